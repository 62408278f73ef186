package testenv

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Faults is what a [Proxy] does to requests at random. Each field but the last three is the
// fraction of requests that it happens to, from 0 to 1; one request can meet several.
type Faults struct {
	Busy       float64 // answered 503 SlowDown, without reaching the service
	CutUp      float64 // the connection is cut while the request's body is sent
	CutDown    float64 // the connection is cut while the response's body is sent
	LostAnswer float64 // the service does it, and the connection is cut instead of its answer
	Truncate   float64 // the response's body, and the length it claims, are shorter
	FlipUp     float64 // one bit of the request's body is another
	FlipDown   float64 // one bit of the response's body is another
	Stall      float64 // nothing comes for a while in the middle of the response's body

	StallFor time.Duration // 0 means 2 s
	Latency  time.Duration // before every request
	Seed     uint64        // the same seed makes the same decisions for the same order of requests
}

// SetFaults makes the proxy do f from now on. The zero value is nothing.
func (p *Proxy) SetFaults(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f == (Faults{}) {
		p.faults = nil
		return
	}
	if f.StallFor == 0 {
		f.StallFor = 2 * time.Second
	}
	p.faults = &faults{Faults: f, random: rand.New(rand.NewPCG(f.Seed, 1))}
}

// faults decides. Its owner guards it.
type faults struct {
	Faults
	random *rand.Rand
}

// next decides the fate of one request. All numbers are drawn, whether needed or not, so that
// one decision does not change the next ones.
func (f *faults) next(note func(string)) *fate {
	draw := func(fraction float64) bool { return f.random.Float64() < fraction }
	d := &fate{
		note:     note,
		latency:  f.Latency,
		stallFor: f.StallFor,
		busy:     draw(f.Busy),
		cutUp:    draw(f.CutUp),
		cutDown:  draw(f.CutDown),
		lost:     draw(f.LostAnswer),
		truncate: draw(f.Truncate),
		flipUp:   draw(f.FlipUp),
		flipDown: draw(f.FlipDown),
		stall:    draw(f.Stall),
		up:       f.random.Float64(),
		down:     f.random.Float64(),
	}
	return d
}

// fate is what becomes of one request.
type fate struct {
	note              func(string)
	latency, stallFor time.Duration
	up, down          float64 // where in the bodies, from 0 to 1

	busy, cutUp, cutDown, lost, truncate, flipUp, flipDown, stall bool
}

type fateKey struct{}

// upload is what the service gets to see of a request's body.
func (f *fate) upload(body io.ReadCloser, size int64) io.ReadCloser {
	if body == nil || size <= 0 {
		return body
	}
	at := int64(f.up * float64(size))
	if f.flipUp {
		f.note("flip up")
		body = FlipBit(body, at)
	}
	if f.cutUp {
		f.note("cut up")
		body = CutAfter(body, at)
	}
	return body
}

// download changes a response.
func (f *fate) download(r *http.Response) error {
	if f.lost {
		f.note("lost answer")
		r.Body.Close()
		return errCut
	}
	if r.ContentLength <= 0 || r.Request.Method == http.MethodHead {
		return nil
	}
	at := int64(f.down * float64(r.ContentLength))
	if f.flipDown {
		f.note("flip down")
		r.Body = FlipBit(r.Body, at)
	}
	if f.stall {
		f.note("stall")
		r.Body = stallAfter(r.Request.Context(), r.Body, at, f.stallFor)
	}
	if f.cutDown {
		f.note("cut down")
		r.Body = CutAfter(r.Body, at)
	}
	if f.truncate {
		f.note("truncate")
		r.ContentLength = at
		r.Header.Set("Content-Length", strconv.FormatInt(at, 10))
		r.Body = limited{io.LimitReader(r.Body, at), r.Body}
	}
	return nil
}

type limited struct {
	io.Reader
	io.Closer
}

// CutAfter is body until n bytes have gone by, and then an error that makes the proxy cut the
// connection.
func CutAfter(body io.ReadCloser, n int64) io.ReadCloser {
	return limited{io.MultiReader(io.LimitReader(body, n), failing{}), body}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }

// FlipBit is body with one bit of byte n another.
func FlipBit(body io.ReadCloser, n int64) io.ReadCloser { return Flip(body, n, 4) }

// Flip is body with some bits of byte n others.
func Flip(body io.ReadCloser, n int64, bits byte) io.ReadCloser {
	return limited{&flipper{body, n, bits}, body}
}

type flipper struct {
	r    io.Reader
	n    int64
	bits byte
}

func (d *flipper) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if d.n >= 0 && d.n < int64(n) {
		p[d.n] ^= d.bits
	}
	d.n -= int64(n)
	return n, err
}

// stallAfter is body with a pause once n bytes have gone by.
func stallAfter(ctx context.Context, body io.ReadCloser, n int64, d time.Duration) io.ReadCloser {
	return limited{io.MultiReader(io.LimitReader(body, n), &staller{ctx: ctx, d: d}, body), body}
}

type staller struct {
	ctx  context.Context
	d    time.Duration
	once sync.Once
}

func (s *staller) Read([]byte) (int, error) {
	s.once.Do(func() { pause(s.ctx, s.d) })
	return 0, io.EOF
}

// String lists the faults that can happen.
func (f Faults) String() string {
	return fmt.Sprintf("busy %g, cut %g up %g down, lost %g, truncated %g, flipped %g up %g down, stalled %g for %v, "+
		"latency %v, seed %d", f.Busy, f.CutUp, f.CutDown, f.LostAnswer, f.Truncate, f.FlipUp, f.FlipDown, f.Stall,
		f.StallFor, f.Latency, f.Seed)
}
