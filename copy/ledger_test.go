package copier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage/storagetest"
)

// grouping is a job whose runs follow each other.
type grouping struct {
	t         *testing.T
	src, dest *storagetest.Mem
	opts      copier.Options
}

func newGrouping(t *testing.T, dest string, opts copier.Options) *grouping {
	if opts.GroupBy == "" {
		opts.GroupBy = `.*/(day)-\d+`
	}
	return &grouping{t, storagetest.NewMem("s3://lake/"), storagetest.NewMem(dest), quick(opts)}
}

// run runs the job, which is to copy so many files and skip so many.
func (g *grouping) run(copied, skipped int64) copier.Summary {
	g.t.Helper()
	sum, err := copier.Run(g.t.Context(), at(g.src, ""), at(g.dest, "out"), g.opts)
	if err != nil || sum.Objects != copied || sum.Skipped != skipped {
		g.t.Fatalf("%d objects copied and %d skipped, want %d and %d; %v", sum.Objects, sum.Skipped, copied, skipped, err)
	}
	return sum
}

func (g *grouping) want(want map[string]string) {
	g.t.Helper()
	wantContents(g.t, g.dest, want)
}

func TestGroupedRerunCopiesOnlyWhatIsNew(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{})
	g.src.Put("h/day-1", "one ")
	g.src.Put("h/day-2", "two ")
	g.run(2, 0)
	g.run(0, 2)
	g.src.Put("h/day-3", "three ")
	g.run(1, 2)
	g.want(map[string]string{"out/h/day": "one two ", "out/h/day1": "three "})

	// Another version of a source is not in an output.
	g.src.Put("h/day-2", "TWO ")
	g.run(1, 2)
	g.want(map[string]string{"out/h/day": "one two ", "out/h/day1": "three ", "out/h/day2": "TWO "})
	g.run(0, 3)
}

func TestOutputsThatAreGoneOrOthersAreMadeAgain(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{})
	g.src.Put("h/day-1", "one ")
	g.run(1, 0)
	if err := g.dest.Delete(t.Context(), "out/h/day"); err != nil {
		t.Fatal(err)
	}
	g.run(1, 0)
	g.want(map[string]string{"out/h/day": "one "})
	g.dest.Put("out/h/day", "ONE ") // of the same size
	g.run(1, 0)
	g.want(map[string]string{"out/h/day": "ONE ", "out/h/day1": "one "})
	g.run(0, 1)
}

func TestOutputsOfOtherJobsAreKept(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{})
	g.src.Put("h/day-1", "one ")
	g.run(1, 0)
	g.opts.GroupBy = `.*/(day)-.`
	g.run(1, 0)
	g.want(map[string]string{"out/h/day": "one ", "out/h/day1": "one "})
	g.run(0, 1)
}

func TestRestart(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{})
	g.src.Put("h/day-1", "one ")
	g.run(1, 0)
	g.opts.Restart = true
	g.run(1, 0)
	g.want(map[string]string{"out/h/day": "one ", "out/h/day1": "one "})
}

func TestAppend(t *testing.T) {
	for name, change := range map[string]func(*copier.Options){
		"stream": func(*copier.Options) {},
		"parts":  func(o *copier.Options) { o.PartSize = 3 },
		"delete": func(o *copier.Options) { o.DeleteOnSuccess = true },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrouping(t, "block://out/", copier.Options{AppendToLastFile: true})
			change(&g.opts)
			skipped := func(n int64) int64 {
				if g.opts.DeleteOnSuccess {
					return 0
				}
				return n
			}
			g.src.Put("h/day-1", "one ")
			g.run(1, 0)
			g.src.Put("h/day-2", "two ")
			sum := g.run(1, skipped(1))
			if sum.Bytes != 4 {
				t.Errorf("%d bytes, want those of the new file", sum.Bytes)
			}
			g.want(map[string]string{"out/h/day": "one two "})
			g.src.Put("a/day-3", "three ")
			g.run(1, skipped(2))
			g.run(0, skipped(3))
			g.want(map[string]string{"out/h/day": "one two three "})
		})
	}
}

func TestAppendUpToTheTargetSize(t *testing.T) {
	g := newGrouping(t, "file:///", copier.Options{AppendToLastFile: true, TargetSize: 10})
	g.src.Put("h/day-1", "1234")
	g.run(1, 0)
	g.src.Put("h/day-2", "123")
	g.src.Put("h/day-3", "xyz")
	g.src.Put("h/day-4", "abcd")
	g.run(3, 1)
	g.want(map[string]string{"out/h/day": "1234123xyz", "out/h/day1": "abcd"})
	g.src.Put("h/day-5", "123456") // would bring it to the target
	g.run(1, 4)
	g.want(map[string]string{"out/h/day": "1234123xyz", "out/h/day1": "abcd", "out/h/day2": "123456"})
}

func TestAppendIsNotForOthersOutputs(t *testing.T) {
	g := newGrouping(t, "file:///", copier.Options{AppendToLastFile: true})
	g.dest.Put("out/h/day", "not ours ")
	g.src.Put("h/day-1", "one ")
	g.run(1, 0)
	g.src.Put("h/day-2", "two ")
	g.run(1, 1)
	g.want(map[string]string{"out/h/day": "not ours ", "out/h/day1": "one two "})
}

func TestAppendToS3IsRefused(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{AppendToLastFile: true})
	_, err := copier.Run(t.Context(), at(g.src, ""), at(g.dest, ""), g.opts)
	var option *copier.OptionError
	if !errors.As(err, &option) || option.Option != "AppendToLastFile" {
		t.Errorf("got %v", err)
	}
}

// The gzip members of a further run follow those that are there.
func TestAppendGzip(t *testing.T) {
	g := newGrouping(t, "file:///", copier.Options{AppendToLastFile: true, OutputCodec: copier.CodecGzip})
	g.src.Put("h/day-1", "one ")
	g.run(1, 0)
	g.src.Put("h/day-2", "two ")
	g.run(1, 1)
	content, _ := g.dest.Content("out/h/day.gz")
	if got := gunzipped(t, content); got != "one two " {
		t.Errorf("got %q", got)
	}
}

// Of groups the previous manifest leaves out the files it has, as S3DistCp does: the output that
// holds them is kept.
func TestGroupsWithoutWhatThePreviousManifestHas(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{OutputManifest: "1.gz"})
	g.src.Put("h/day-1", "one ")
	g.run(1, 0)
	g.src.Put("h/day-2", "two ")
	g.opts.PreviousManifest, g.opts.OutputManifest = at(g.dest, "out/1.gz"), "2.gz"
	g.opts.Restart = true
	g.run(1, 1)
	if content, _ := g.dest.Content("out/h/day1"); content != "two " {
		t.Errorf("got %q", content)
	}
	for i, line := range manifestLines(t, g.dest, "out/2.gz") {
		if want := fmt.Sprintf(`"output":"s3://out/out/h/day%s"`, []string{"", "1"}[i]); !strings.Contains(line, want) {
			t.Errorf("line %d has no %s: %s", i, want, line)
		}
	}
}

// A grouping job stops at any of its operations, new files arrive, and after the next run every
// file is in exactly one output, and a further run has nothing to do.
func TestStoppedWhileGrouping(t *testing.T) {
	for _, dest := range []string{"s3://out/", "file:///"} {
		for nth := int64(1); ; nth++ {
			g := newGrouping(t, dest, copier.Options{GroupBy: `.*/(g\d)-\d+`, TargetSize: 9, Workers: 2, AppendToLastFile: dest[0] == 'f'})
			for i := range 8 {
				g.src.Put(fmt.Sprintf("h/g%d-%02d", i%2, i), fmt.Sprintf("<%d>", i))
			}
			g.run(8, 0)
			for i := 8; i < 12; i++ {
				g.src.Put(fmt.Sprintf("h/g%d-%02d", i%2, i), fmt.Sprintf("<%d>", i))
			}
			if !g.stopped(nth) {
				break
			}
			g.src.Put("h/g0-99", "<99>")
			if _, err := copier.Run(t.Context(), at(g.src, ""), at(g.dest, "out"), g.opts); err != nil {
				t.Fatalf("stopped at operation %d: %v", nth, err)
			}
			g.run(0, 13)
			all := strings.Join(slices.Sorted(maps.Values(outputs(g.dest))), "")
			for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99} {
				if c := strings.Count(all, fmt.Sprintf("<%d>", i)); c != 1 {
					t.Fatalf("stopped at operation %d: file %d is there %d times", nth, i, c)
				}
			}
			if n := records(g.dest); n != 1 {
				t.Fatalf("stopped at operation %d: %d files of records, want one", nth, n)
			}
		}
	}
}

// stopped runs the job with a machine that goes off at its nth operation. It reports whether
// there was one.
func (g *grouping) stopped(nth int64) bool {
	ctx, cancel := context.WithCancel(g.t.Context())
	defer cancel()
	var n atomic.Int64
	stop := func(storagetest.Op) error {
		if n.Add(1) >= nth {
			cancel()
			return errors.New("the machine is off")
		}
		return nil
	}
	_, _ = copier.Run(ctx, at(storagetest.Faulty(g.src, stop), ""), at(storagetest.Faulty(g.dest, stop), "out"), g.opts)
	return n.Load() >= nth
}

// A service is still at work on the last request of a process that was killed when the next run has found
// the record of an output, and not the output.
func TestOutputsThatArriveLateAreKnown(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{TargetSize: 8})
	for i := range 4 {
		g.src.Put(fmt.Sprintf("h/day-%d", i), fmt.Sprintf("<%d>", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	kill := func(op storagetest.Op) error {
		if op.Kind == storagetest.OpCommit && op.Key == "out/h/day" {
			cancel()
			return errors.New("killed")
		}
		return nil
	}
	if _, err := copier.Run(ctx, at(g.src, ""), at(storagetest.Faulty(g.dest, kill), "out"), g.opts); err == nil {
		t.Fatal("it was not killed")
	}
	var looks atomic.Int64
	late := func(op storagetest.Op) error {
		if op.Kind == storagetest.OpStat && op.Key == "out/h/day" && looks.Add(1) == 2 {
			g.dest.Put("out/h/day", "<0><1><2>")
		}
		return nil
	}
	sum, err := copier.Run(t.Context(), at(g.src, ""), at(storagetest.Faulty(g.dest, late), "out"), g.opts)
	if err != nil || looks.Load() < 2 {
		t.Fatalf("%v, after %d looks", err, looks.Load())
	}
	if all := strings.Join(slices.Sorted(maps.Values(outputs(g.dest))), " "); all != "<0><1><2> <3>" {
		t.Errorf("%d copied and %d skipped: %s", sum.Objects, sum.Skipped, all)
	}
	g.run(0, 4)
}

// Of many groups the store is asked at once whether the names of their outputs are taken; of those that are
// done already it is asked nothing.
func TestNamesOfOutputsAreForeseen(t *testing.T) {
	g := newGrouping(t, "s3://out/", copier.Options{GroupBy: `.*/(g\d+)-\d+`})
	for i := range 300 {
		g.src.Put(fmt.Sprintf("h/g%03d-%d", i/3, i%3), "x")
	}
	g.dest.Put("out/h/g007", "of another job")
	const together = 50
	var asked atomic.Int64
	all := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	meet := func(op storagetest.Op) error {
		if op.Kind != storagetest.OpStat {
			return nil
		}
		if asked.Add(1) == together {
			close(all)
		}
		select {
		case <-all:
		case <-ctx.Done():
		}
		return nil
	}
	_, err := copier.Run(ctx, at(g.src, ""), at(storagetest.Faulty(g.dest, meet), "out"), g.opts)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%d names were asked for: %v", asked.Load(), err)
	}
	if content, _ := g.dest.Content("out/h/g0071"); content != "xxx" || len(outputs(g.dest)) != 101 {
		t.Errorf("%d outputs, %q", len(outputs(g.dest)), content)
	}
	if n := asked.Load(); n != 101 {
		t.Errorf("asked for %d names, want one for each output and one that is taken", n)
	}
	asked.Store(together)
	if _, err := copier.Run(ctx, at(g.src, ""), at(storagetest.Faulty(g.dest, meet), "out"), g.opts); err != nil || asked.Load() != together {
		t.Errorf("%d more names were asked for, %v", asked.Load()-together, err)
	}
}

func records(b *storagetest.Mem) (n int) {
	for _, key := range b.Keys() {
		if strings.Contains(key, ".distcp/") {
			n++
		}
	}
	return n
}

// Records are read from a store that anybody may write to.
func FuzzRecords(f *testing.F) {
	f.Add(`{"output":"out/h/day","size":4,"crc32c":"AAAAAA==","group":"day"}` + "\n" + `{"key":"h/day-1","size":4}`)
	f.Add(`{"key":"x"}`)
	f.Add("{}\nnull")
	f.Fuzz(func(t *testing.T, text string) {
		g := newGrouping(t, "s3://out/", copier.Options{})
		g.src.Put("h/day-1", "one ")
		g.run(1, 0)
		for _, key := range g.dest.Keys() {
			if strings.Contains(key, ".distcp/") {
				g.dest.Put(key, gzipped(t, text))
			}
		}
		_, err := copier.Run(t.Context(), at(g.src, ""), at(g.dest, "out"), g.opts)
		if err != nil && !strings.Contains(err.Error(), ".distcp/") {
			t.Error(err)
		}
		if content, ok := g.dest.Content("out/h/day"); !ok || content != "one " {
			t.Errorf("the output has become %q", content)
		}
	})
}

// A group is the same however the source was written.
func TestGroupedAgainUnderAnotherScheme(t *testing.T) {
	for _, url := range []string{"s3a://lake/", "s3://lake/", "hdfs:///lake/"} {
		g := newGrouping(t, "s3://out/", copier.Options{GroupBy: `(.*)/[^/]*`, PatternURL: url})
		g.src.Put("day/1", "one ")
		g.src.Put("0", "zero ")
		g.run(2, 0)
		g.opts.PatternURL = ""
		g.run(0, 2)
	}
}
