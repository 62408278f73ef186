package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// placesAtOnce bounds the files outside a table's location that are sent at the same time.
const placesAtOnce = 4

// uploads send files from a local staging directory to the stores while others are still being
// written. What has been sent is removed; whoever writes waits while the rest takes more room than
// skep.staging.limit says.
type uploads struct {
	s     *Session
	ctx   context.Context // ends with the statement, or when a file cannot be sent
	fail  context.CancelCauseFunc
	dir   string
	limit int64 // bytes

	mu      sync.Mutex
	staged  int64                 // bytes in the directory
	waiting map[string]stagedFile // files that were handed over and are not sent, by their URLs
	changed chan struct{}         // closed, and made anew, when there is more room
	feeds   map[string]*uploadFeed
	outs    int
	alone   errgroup.Group
	sent    bool                      // everything was
	made    map[string]storage.Object // what is known of the objects that were sent, by their URLs
	// doubtful are the URLs of files of which an upload may be left that nobody knows of.
	doubtful map[string]bool
}

// stagedFile is a file that waits.
type stagedFile struct {
	path  string
	bytes int64
}

// uploadFeed are the files that go to one location.
type uploadFeed struct {
	from    storage.Location
	to      storage.Location
	dir     string
	adopter storage.Adopter // the bucket they go to, if it can take them over as they are
	objects chan storage.Object
	done    chan struct{}
}

// newUploads makes a staging directory. The uploads must be closed, and use ctx no longer then.
func (s *Session) newUploads(ctx context.Context) (*uploads, error) {
	dir, err := s.stagingDir()
	if err != nil {
		return nil, err
	}
	u := &uploads{
		s: s, dir: dir, limit: s.stagingLimit(), waiting: map[string]stagedFile{}, changed: make(chan struct{}),
		feeds: map[string]*uploadFeed{}, doubtful: map[string]bool{}, made: map[string]storage.Object{},
	}
	u.ctx, u.fail = context.WithCancelCause(ctx)
	u.alone.SetLimit(placesAtOnce)
	return u, nil
}

// outDir makes a directory for files that are being written.
func (u *uploads) outDir() (string, error) {
	u.mu.Lock()
	u.outs++
	out := filepath.Join(u.dir, fmt.Sprint("out-", u.outs))
	u.mu.Unlock()
	return out, os.Mkdir(out, 0o700)
}

// Grow counts bytes that are about to be written. While files wait to be sent and there is no room, it
// waits. Where nothing waits the file that is being written has to grow, or nothing ever would be sent.
func (u *uploads) Grow(n int64) error {
	for {
		u.mu.Lock()
		if n <= 0 || len(u.waiting) == 0 || u.staged+n <= u.limit {
			u.staged += n
			u.mu.Unlock()
			return context.Cause(u.ctx)
		}
		changed := u.changed
		u.mu.Unlock()
		select {
		case <-changed:
		case <-u.ctx.Done():
			return context.Cause(u.ctx)
		}
	}
}

// send takes over a file that is complete, as key below the URL root, and gives the URL of the object. It
// does not wait until it has been sent. home is the URL of a location below which most files go.
func (u *uploads) send(path string, bytes int64, home, root, key string) (url string, err error) {
	if rest, ok := strings.CutPrefix(root, home+"/"); ok {
		root, key = home, rest+"/"+key
	}
	f, err := u.feedTo(root, root == home)
	if err != nil {
		return "", err
	}
	if url = f.to.Bucket.URL() + f.to.Prefix + key; f.adopter != nil {
		o, err := f.adopter.Adopt(u.ctx, f.to.Prefix+key, path)
		if err == nil {
			u.gone("", url, o, bytes)
			return url, nil
		}
		if !errors.Is(err, storage.ErrUnsupported) {
			return "", err
		}
	}
	to := filepath.Join(f.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	if err := os.Rename(path, to); err != nil {
		return "", err
	}
	o, err := f.from.Bucket.Stat(u.ctx, f.from.Prefix+key)
	if err != nil {
		return "", err
	}
	if err := u.note(f.to.Bucket, f.to.Prefix+key, bytes); err != nil {
		return "", err
	}
	u.mu.Lock()
	u.waiting[f.from.Bucket.URL()+o.Key] = stagedFile{to, bytes}
	u.mu.Unlock()
	if root != home {
		u.alone.Go(func() error { return u.run(f, one(o)) })
		return url, context.Cause(u.ctx)
	}
	select {
	case f.objects <- o:
		return url, nil
	case <-u.ctx.Done():
		return "", context.Cause(u.ctx)
	}
}

// feedTo is the feed of a location, which with goes is being sent all the time.
func (u *uploads) feedTo(root string, goes bool) (*uploadFeed, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if f := u.feeds[root]; f != nil {
		return f, nil
	}
	if u.feeds == nil {
		return nil, errUploadsClosed
	}
	dir := filepath.Join(u.dir, fmt.Sprint("up-", len(u.feeds)))
	from, err := u.s.cfg.directory(u.ctx, "file://"+filepath.ToSlash(dir))
	if err != nil {
		return nil, err
	}
	to, err := u.s.cfg.directory(u.ctx, root)
	if err != nil {
		return nil, err
	}
	f := &uploadFeed{from: from, to: to, dir: dir, objects: make(chan storage.Object), done: make(chan struct{})}
	f.adopter, _ = storage.As[storage.Adopter](to.Bucket)
	if goes {
		go func() {
			defer close(f.done)
			_ = u.run(f, f.all)
		}()
	} else {
		close(f.done)
	}
	u.feeds[root] = f
	return f, nil
}

// all yields the files as they are handed over.
func (f *uploadFeed) all(ctx context.Context) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for {
			select {
			case o, more := <-f.objects:
				if !more || !yield(o, nil) {
					return
				}
			case <-ctx.Done():
				yield(storage.Object{}, context.Cause(ctx))
				return
			}
		}
	}
}

func one(o storage.Object) func(context.Context) iter.Seq2[storage.Object, error] {
	return func(context.Context) iter.Seq2[storage.Object, error] {
		return func(yield func(storage.Object, error) bool) { yield(o, nil) }
	}
}

// run sends what a feed has. Its error ends all uploads.
func (u *uploads) run(f *uploadFeed, objects func(context.Context) iter.Seq2[storage.Object, error]) error {
	_, err := copier.Run(u.ctx, f.from, f.to, copier.Options{Workers: u.s.cfg.Parallel, Objects: objects, Report: u.report})
	if err != nil {
		u.fail(err)
	}
	return err
}

// report is told what becomes of a file.
func (u *uploads) report(e copier.Event) {
	switch e.Kind {
	case copier.Retried:
		u.doubt(e.Dest)
	case copier.Failed:
		u.fail(e.Err) // there is no use in sending the others
	case copier.Copied:
		u.mu.Lock()
		f := u.waiting[e.Source]
		u.mu.Unlock()
		if err := os.Remove(f.path); err != nil {
			u.fail(err)
		}
		u.gone(e.Source, e.Dest, storage.Object{ETag: e.ETag, CRC32C: e.CRC32C}, f.bytes)
	}
}

// gone counts a file that is not in the staging directory any more, but an object. It may have waited.
func (u *uploads) gone(waited, url string, made storage.Object, bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.waiting, waited)
	made.Size = bytes
	u.made[url] = made
	u.staged -= bytes
	close(u.changed)
	u.changed = make(chan struct{})
}

// doubt is told of an object that is sent anew: it may be that the first try has begun an upload whose
// name nobody has got to know.
func (u *uploads) doubt(url string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.doubtful[url] = true
}

// wait waits until everything has been sent. Nothing can be sent after that.
func (u *uploads) wait() error {
	u.finish()
	err := context.Cause(u.ctx)
	u.sent = err == nil
	return err
}

// finish waits until nothing is being sent any more.
func (u *uploads) finish() {
	u.mu.Lock()
	feeds := u.feeds
	u.feeds = nil
	u.mu.Unlock()
	for _, f := range feeds {
		close(f.objects)
	}
	for _, f := range feeds {
		<-f.done
	}
	_ = u.alone.Wait() // which has told of its error
}

// explain is an error of who writes, or what has ended the uploads, and so the write.
func (u *uploads) explain(err error) error {
	if why := context.Cause(u.ctx); err != nil && why != nil {
		return why
	}
	return err
}

// close gives up what has not been sent, waits until nothing is on its way, ends what may be left at the
// stores, and removes the directory. It can be called again.
func (u *uploads) close() {
	failed := context.Cause(u.ctx) != nil || !u.sent
	u.fail(errUploadsClosed)
	u.finish()
	doubtful := u.doubtful
	if failed {
		doubtful = nil // all are
	}
	if failed || len(doubtful) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), time.Minute)
		defer cancel()
		if u.s.abortNoted(ctx, u.dir, doubtful) != nil {
			u.leave()
			return
		}
	}
	_ = removeStaging(u.dir) // what is left goes with the next write, when this process has ended
}

// leave leaves the directory to the next write, which knows by it what uploads may have been begun.
func (u *uploads) leave() {
	entries, _ := os.ReadDir(u.dir)
	for _, e := range entries {
		if e.IsDir() {
			_ = os.RemoveAll(filepath.Join(u.dir, e.Name()))
		}
	}
	_ = os.WriteFile(filepath.Join(u.dir, ownerName), []byte(ownerless), 0o600)
}

var errUploadsClosed = errors.New("the write has ended")
