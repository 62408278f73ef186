package copier_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// The scripts in testdata/plan hold two commands:
//
//	objects url=s3://lake/     the objects of the source's bucket: a key and a size a line
//	plan [src=PREFIX]          the tasks, given the options, one a line
func TestPlan(t *testing.T) {
	datadriven.Walk(t, "testdata/plan", func(t *testing.T, path string) {
		var bucket *storagetest.Mem
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "objects":
				var url string
				d.ScanArgs(t, "url", &url)
				bucket = storagetest.NewMem(url)
				return putObjects(t, bucket, d.Input)
			case "plan":
				src := ""
				d.MaybeScanArgs(t, "src", &src)
				return planText(t, storage.Location{Bucket: bucket, Prefix: src}, d.Input)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func putObjects(t *testing.T, bucket *storagetest.Mem, lines string) string {
	for line := range strings.Lines(lines) {
		key, size, ok := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(size)
		if !ok || err != nil {
			t.Fatalf("want a key and a size, not %q", line)
		}
		bucket.Put(key, strings.Repeat("x", n))
	}
	return ""
}

func planText(t *testing.T, src storage.Location, options string) string {
	opts, err := parseOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for task, err := range copier.Plan(t.Context(), src, opts) {
		if err != nil {
			fmt.Fprintf(&b, "error: %v\n", err)
			break
		}
		fmt.Fprintf(&b, "%s (%d)\n", task.Key, task.Size())
		if err := task.Err(); err != nil {
			fmt.Fprintf(&b, "  error: %v\n", err)
		}
		if task.Sources.Len() == 1 && strings.HasSuffix(task.Sources.First().Key, task.Key) {
			continue
		}
		for _, s := range task.Sources.All() {
			fmt.Fprintf(&b, "  %s\n", s.Key)
		}
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

func parseOptions(text string) (copier.Options, error) {
	var opts copier.Options
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		switch name {
		case "srcPattern":
			opts.SrcPattern, err = value, nil
		case "groupBy":
			opts.GroupBy, err = value, nil
		case "patternURL":
			opts.PatternURL, err = value, nil
		case "outputCodec":
			opts.OutputCodec, err = copier.Codec(value), nil
		case "targetSize":
			opts.TargetSize = n
		case "startingIndex":
			opts.StartingIndex = n
		case "srcPrefixes":
			opts.SrcPrefixes, err = strings.Fields(value), nil
		case "include", "exclude":
			opts.Filter.Rules = append(opts.Filter.Rules, copier.Rule{Glob: value, Exclude: name == "exclude"})
			err = nil
		case "filters":
			opts.Filter.ExcludePatterns, err = append(opts.Filter.ExcludePatterns, value), nil
		case "minSize":
			opts.Filter.MinSize = n
		case "maxSize":
			opts.Filter.MaxSize = n
		case "srcList":
			opts.SrcList, err = append([]string{}, strings.Fields(value)...), nil
		case "numberFiles":
			opts.NumberFiles, err = true, nil
		default:
			err = fmt.Errorf("unknown option %q", name)
		}
		if err != nil {
			return opts, err
		}
	}
	return opts, nil
}
