//go:build storm

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beltran/gohive"
)

// TestServeSoak has clients come and go at one hiveql serve for a while, SKEP_SOAK_SECONDS or 20 seconds: they query
// and write, ask for rows that they do not fetch, make mistakes, and vanish in the middle. When they have gone, the
// server has no more goroutines, descriptors and temporary files than at first.
func TestServeSoak(t *testing.T) {
	i := install(t)
	t.Setenv("TMPDIR", i.tmp())
	i.run("CREATE TABLE t (a BIGINT, ds STRING) STORED AS PARQUET; INSERT INTO t SELECT pos, concat('d', pos % 3) FROM (SELECT posexplode(split(space(20000), ' ')) AS (pos, v)) x; CREATE TABLE w (a BIGINT, ds STRING)")
	address, monitor := i.startServer("--hs2")
	seconds := 20
	if text := os.Getenv("SKEP_SOAK_SECONDS"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			t.Fatalf("SKEP_SOAK_SECONDS: %v", err)
		}
	}
	warm := &soakClients{t: t, address: address}
	warm.run(8, 5*time.Second)
	before := settled(t, monitor, nil)
	s := &soakClients{t: t, address: address}
	for range 4 {
		s.run(16, time.Duration(seconds)*time.Second/4)
		now := metricsOf(t, monitor)
		t.Logf("%d statements, %d of them cut off: %v", s.done.Load(), s.cut.Load(), now)
	}
	after := settled(t, monitor, before)
	t.Logf("at first %v, in the end %v", before, after)
	if after["process_resident_memory_bytes"] > 2*before["process_resident_memory_bytes"]+200e6 {
		t.Error("the memory has grown")
	}
	left, err := os.ReadDir(i.tmp())
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "skep") || strings.HasPrefix(e.Name(), "hiveql") {
			t.Logf("temporary: %s", e.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// soakMetrics are the figures of a process that are watched.
func soakMetrics() []string {
	return []string{"go_goroutines", "process_open_fds", "process_resident_memory_bytes", "skep_hs2_connections"}
}

func metricsOf(t *testing.T, monitor string) map[string]float64 {
	t.Helper()
	r, err := http.Get("http://" + monitor + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, want := range soakMetrics() {
			if name == want {
				found[name], err = strconv.ParseFloat(value, 64)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return found
}

// settled are the figures once nobody is connected, and what is counted has gone back to about what it was.
func settled(t *testing.T, monitor string, before map[string]float64) map[string]float64 {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for range 240 {
		now := metricsOf(t, monitor)
		if now["skep_hs2_connections"] == 0 && (before == nil ||
			now["go_goroutines"] <= before["go_goroutines"]+10 && now["process_open_fds"] <= before["process_open_fds"]+10) {
			return now
		}
		<-tick.C
	}
	now := metricsOf(t, monitor)
	t.Errorf("it does not come to rest: %v, and before %v", now, before)
	return now
}

// soakClients are clients of one server.
type soakClients struct {
	t         *testing.T
	address   string
	done, cut atomic.Int64
}

// run lets n clients at once come and go.
func (s *soakClients) run(n int, for_ time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), for_)
	defer cancel()
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(k), 1))
			for ctx.Err() == nil && !s.t.Failed() {
				if random.IntN(4) == 0 {
					s.vanish(random)
				} else {
					s.visit(s.address, fmt.Sprintf("c%d", k), random, 1+random.IntN(10))
				}
			}
		})
	}
	all.Wait()
}

// visit connects and runs some statements.
func (s *soakClients) visit(address, own string, random *rand.Rand, statements int) {
	host, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	c := gohive.NewConnectConfiguration()
	c.FetchSize = 100
	conn, err := gohive.Connect(host, number, "NONE", c)
	if err != nil {
		if address == s.address {
			s.t.Errorf("connect: %v", err)
		}
		return
	}
	defer conn.Close()
	for range statements {
		cursor := conn.Cursor()
		s.statement(cursor, own, random, address == s.address)
		cursor.Close()
		if cursor.Err != nil && address != s.address {
			s.cut.Add(1)
			return
		}
	}
}

func (s *soakClients) statement(cursor *gohive.Cursor, own string, random *rand.Rand, sound bool) {
	ctx := s.t.Context()
	sql, fails := "", false
	switch random.IntN(8) {
	case 0:
		sql = "INSERT INTO w SELECT a, ds FROM t WHERE a < 3"
		if random.IntN(16) == 0 {
			sql, fails = "TRUNCATE TABLE w", true // so that it does not grow for ever
		}
	case 1:
		sql, fails = "SELECT nothing FROM t", true
	case 2:
		sql = fmt.Sprintf("CREATE TEMPORARY TABLE IF NOT EXISTS temp AS SELECT %d AS a", random.IntN(9))
	case 3:
		sql, fails = fmt.Sprintf("CREATE TABLE %s AS SELECT a, ds FROM t WHERE a < 50", own), true // it may be there
	case 4:
		sql = "DROP TABLE IF EXISTS " + own
	case 5:
		sql = "SELECT a, ds FROM t" // and most of it is never fetched
	default:
		sql = "SELECT ds, count(*), sum(a) FROM t GROUP BY ds"
	}
	cursor.Exec(ctx, sql)
	s.done.Add(1)
	if cursor.Err != nil {
		if sound && !fails {
			s.t.Errorf("%s: %v", sql, cursor.Err)
		}
		return
	}
	for range 3 {
		if !strings.HasPrefix(sql, "SELECT") || !cursor.HasMore(ctx) || cursor.Err != nil {
			return
		}
		cursor.RowMap(ctx)
	}
}

// vanish visits by way of a connection that breaks at some moment.
func (s *soakClients) vanish(random *rand.Rand) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Error(err)
		return
	}
	defer l.Close()
	var ends sync.WaitGroup
	ends.Go(func() {
		near, err := l.Accept()
		if err != nil {
			return
		}
		defer near.Close()
		_ = l.Close() // the client may try again, which nobody would answer
		far, err := net.Dial("tcp", s.address)
		if err != nil {
			return
		}
		timer := time.AfterFunc(time.Duration(random.IntN(200))*time.Millisecond, func() {
			_ = near.Close()
			_ = far.Close()
		})
		defer timer.Stop()
		ends.Go(func() { _, _ = io.Copy(far, near) })
		_, _ = io.Copy(near, far)
		_ = far.Close()
	})
	s.visit(l.Addr().String(), "v", rand.New(rand.NewPCG(random.Uint64(), 1)), 20)
	_ = l.Close()
	ends.Wait()
}
