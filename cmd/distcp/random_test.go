package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/skepdata/skep/testenv"
)

// rounds are the numbers of the rounds of a test of random jobs: few from 0, or what make soak says.
func rounds(t *testing.T) iter.Seq[int] {
	number := func(name string, otherwise int) int {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			t.Fatalf("%s: %q is not a number", name, text)
		}
		return n
	}
	first, many := number("SKEP_SOAK_SEED", 0), number("SKEP_SOAK_ROUNDS", 21) // three of each kind
	return func(yield func(int) bool) {
		for n := first; n < first+many && yield(n); n++ {
		}
	}
}

// Random command lines, between all kinds of places, do what a serial copier does that is written
// down in a few lines, and do nothing when they are run again. The number of a round is its seed.
func TestRandomJobs(t *testing.T) {
	for n := range rounds(t) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			j := newRandomJob(t, uint64(n))
			kinds := []func(*testing.T){j.copies, j.updates, j.groups, j.lists, j.manifests, j.numbers, j.compresses}
			kinds[n%len(kinds)](t)
		})
	}
}

// randomJob is a source and a destination, and what becomes of them.
type randomJob struct {
	random            *rand.Rand
	env               map[string]string
	src, dest, backup place
	source            fileSet
	args              []string
	selects           func(name string, size int) bool
}

func newRandomJob(t *testing.T, seed uint64) *randomJob {
	j := &randomJob{random: rand.New(rand.NewPCG(seed, 17))}
	dir, s3 := t.TempDir(), testenv.MinIO(t)
	blocks := filepath.Join(dir, "blocks")
	j.env = map[string]string{
		"HOME": dir, "SKEP_BLOCK_ROOT": blocks, "XDG_STATE_HOME": filepath.Join(dir, "state"), "SKEP_DEFAULT_FS": "block://random",
	}
	for _, pair := range s3.Env() {
		name, value, _ := strings.Cut(pair, "=")
		j.env[name] = value
	}
	pick := func(name string) place {
		switch j.random.IntN(3) {
		case 0:
			return dirPlace(filepath.Join(dir, name))
		case 1:
			return storePlace{s3, blocks, s3.URL(name + "/")}
		default:
			return storePlace{s3, blocks, "block://random/" + name + "/"}
		}
	}
	j.src, j.dest, j.backup = pick("src"), pick("dest"), pick("backup")
	j.source = j.files(1+j.random.IntN(40), 12_000)
	j.selects = func(string, int) bool { return true }
	return j
}

// files are texts under names of all kinds, some of them packed.
func (j *randomJob) files(n, most int) fileSet {
	files := fileSet{}
	for range n {
		odd := []string{"", " ", "+", "%2F", "é", "#?&", "[a]", "*", "=", "~"}[j.random.IntN(10)]
		name := fmt.Sprintf("d%d/%s%03d", j.random.IntN(4), odd, j.random.IntN(1000))
		files[name] = randomText(j.random.Uint64(), j.random.IntN(most))
	}
	return files
}

// filter adds a selection to the command line.
func (j *randomJob) filter() {
	byName := func(prefixes ...string) func(string, int) bool {
		return func(name string, _ int) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		}
	}
	for _, f := range []struct {
		args    []string
		selects func(string, int) bool
	}{
		{[]string{"--exclude", "*", "--include", "d1/*"}, byName("d1/")},
		{[]string{"--min-size", "5K"}, func(_ string, size int) bool { return size >= 5<<10 }},
		{[]string{"--max-size=8K"}, func(_ string, size int) bool { return size <= 8<<10 }},
		{[]string{"--srcPattern", `.*/d[0-2]/[^/]*`}, byName("d0/", "d1/", "d2/")},
	} {
		if j.random.IntN(5) > 0 {
			continue
		}
		before := j.selects
		j.selects = func(name string, size int) bool { return before(name, size) && f.selects(name, size) }
		j.args = append(j.args, f.args...)
	}
}

// selected are the names of what is selected, in order.
func (j *randomJob) selected() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(j.source)) {
		if j.selects(name, len(j.source[name])) {
			names = append(names, name)
		}
	}
	return names
}

// run runs the command line, which is to succeed.
func (j *randomJob) run(t *testing.T, src string, more ...string) {
	t.Helper()
	args := slices.Concat([]string{"--src", src, "--dest", j.dest.url(), "--quiet"}, j.args, more)
	var out bytes.Buffer
	if code := run(t.Context(), args, nil, &out, &out, func(name string) string { return j.env[name] }); code != exitOK {
		t.Fatalf("%q ended with %d: %s", args, code, out.String())
	}
}

// twice runs the command line and once more, and compares what is at the destination after each.
func (j *randomJob) twice(t *testing.T, src string, want fileSet) {
	t.Helper()
	for _, time := range []string{"once", "twice"} {
		j.run(t, src)
		want.compare(t, j.dest.read(t), fmt.Sprintf("%s %q", time, j.args))
	}
}

// copies: everything that is selected is there under its name, and everything else stays.
func (j *randomJob) copies(t *testing.T) {
	src := j.src.url()
	below := func(name string) (string, bool) { return name, true }
	if strings.HasPrefix(src, "s3://") && j.random.IntN(2) == 0 { // a prefix that ends within names
		src += "d"
		below = func(name string) (string, bool) { return strings.CutPrefix(name, "d") }
	} else {
		j.filter()
	}
	want := fileSet{"other": []byte("stays"), "d1/other": []byte("stays")}
	j.dest.write(t, want)
	for _, name := range j.selected() {
		if to, ok := below(name); ok {
			want[to] = j.source[name]
		}
	}
	j.src.write(t, j.source)
	j.twice(t, src, want)
}

// updates: what differs is copied, what only the destination has is removed, and what was there before
// is kept elsewhere, as far as it is asked for.
func (j *randomJob) updates(t *testing.T) {
	had := j.files(10, 12_000)
	for name, content := range j.source {
		switch j.random.IntN(4) {
		case 0:
			had[name] = content
		case 1:
			had[name] = randomText(j.random.Uint64(), len(content)) // the same size
		case 2:
			had[name] = randomText(j.random.Uint64(), len(content)+1)
		}
	}
	j.src.write(t, j.source)
	j.dest.write(t, had)
	j.filter()
	mode := j.random.IntN(4)
	j.args = append(j.args, [][]string{{"--update", "--compare=size"}, {"--update", "--compare", "checksum"}, {"--ignore-existing"}, nil}[mode]...)
	deletes, excluded, keeps := j.random.IntN(2) == 0, false, j.random.IntN(2) == 0
	if deletes {
		j.args = append(j.args, "--delete", "--max-delete=1000")
		if excluded = j.random.IntN(2) == 0; excluded {
			j.args = append(j.args, "--delete-excluded")
		}
	}
	if keeps {
		j.args = append(j.args, "--backup-dir", j.backup.url())
	}
	want, kept := maps.Clone(had), fileSet{}
	put := func(name string, content []byte) {
		if old, ok := had[name]; ok && keeps {
			kept[name] = old
		}
		if want[name] = content; content == nil {
			delete(want, name)
		}
	}
	for _, name := range j.selected() {
		old, there := had[name]
		content := j.source[name]
		if !there || mode == 0 && len(old) != len(content) || mode == 1 && !bytes.Equal(old, content) || mode == 3 {
			put(name, content)
		}
	}
	for name, content := range had {
		source, both := j.source[name]
		left := !both && j.selects(name, len(content)) || excluded && (!both || !j.selects(name, len(source)))
		if deletes && left {
			put(name, nil)
		}
	}
	j.twice(t, j.src.url(), want)
	kept.compare(t, j.backup.read(t), fmt.Sprintf("kept of %q", j.args))
}

// pack makes some of the files, or all, gzip files, and returns their texts under the new names.
func (j *randomJob) pack(all bool) (texts fileSet) {
	texts, packed := fileSet{}, fileSet{}
	for name, text := range j.source {
		if all || j.random.IntN(2) == 0 {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write(text) // memory takes everything
			_ = w.Close()
			name += ".gz"
			packed[name] = b.Bytes()
		} else {
			packed[name] = text
		}
		texts[name] = text
	}
	j.source = packed
	return texts
}

// unpacked are files as their suffixes say that they are to be read.
func unpacked(t *testing.T, files fileSet) fileSet {
	t.Helper()
	texts := fileSet{}
	for name, content := range files {
		var r io.Reader = bytes.NewReader(content)
		var err error
		switch path.Ext(name) {
		case ".gz":
			r, err = gzip.NewReader(r)
		case ".zst":
			r, err = zstd.NewReader(r)
		}
		if err == nil {
			texts[name], err = io.ReadAll(r)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return texts
}

// codec chooses one for all outputs, packs the sources so that it can be done, and returns their texts.
func (j *randomJob) codec() (texts fileSet, suffix string) {
	switch j.random.IntN(5) {
	case 0:
		return maps.Clone(j.source), "" // kept
	case 1:
		return j.pack(true), ".gz" // kept
	case 2:
		texts, suffix = j.pack(false), ".gz"
		j.args = append(j.args, "--outputCodec=gzip")
	case 3:
		texts, suffix = j.pack(false), ".zst"
		j.args = append(j.args, "--outputCodec", "zstd")
	case 4:
		texts = j.pack(false)
		j.args = append(j.args, "--outputCodec=none")
	}
	return texts, suffix
}

// groups: the files of a directory are one, in order, or several where there is a size to close them at. What
// is new later goes behind the last, or on S3 into one more.
func (j *randomJob) groups(t *testing.T) {
	if j.random.IntN(2) == 0 {
		j.source = j.files(12, 600_000)
		j.args = append(j.args, "--targetSize=1")
	}
	texts, suffix := j.codec()
	j.filter()
	j.args = append(j.args, "--groupBy", `.*/(d\d)/[^/]*`)
	want, last, sizes := fileSet{}, map[string]int{}, map[string]int{}
	name := func(dir string, index int) string {
		if index == 0 {
			return dir + "/" + dir + suffix
		}
		return fmt.Sprintf("%s/%s%d%s", dir, dir, index, suffix)
	}
	limited := slices.Contains(j.args, "--targetSize=1")
	for _, file := range j.selected() {
		dir := path.Dir(file)
		if limited && sizes[dir] >= 1<<20 {
			last[dir], sizes[dir] = last[dir]+1, 0
		}
		sizes[dir] += len(j.source[file])
		to := name(dir, last[dir])
		want[to] = append(slices.Clip(want[to]), texts[file]...)
	}
	j.src.write(t, j.source)
	for _, time := range []string{"once", "twice"} {
		j.run(t, j.src.url())
		want.compare(t, unpacked(t, j.dest.read(t)), fmt.Sprintf("%s %q", time, j.args))
	}
	if limited || suffix == "" || len(j.selected()) == 0 {
		return
	}
	later := path.Dir(j.selected()[0]) + "/later.gz"
	before := j.source
	j.source = fileSet{later: randomText(1, 6_000)}
	texts = j.pack(true)
	packed := j.source[later+".gz"]
	j.source = before
	if !j.selects(later, len(packed)) {
		return
	}
	dir := path.Dir(later)
	to := name(dir, 0)
	if strings.HasPrefix(j.dest.url(), "s3://") {
		to = name(dir, 1)
	}
	want[to] = append(slices.Clip(want[to]), texts[later+".gz"]...)
	j.src.write(t, fileSet{later: packed})
	j.run(t, j.src.url())
	want.compare(t, unpacked(t, j.dest.read(t)), fmt.Sprintf("with one more %q", j.args))
}

// compresses: each file has the suffix of the codec, and its text.
func (j *randomJob) compresses(t *testing.T) {
	texts, suffix := j.codec()
	changes := slices.ContainsFunc(j.args, func(arg string) bool { return strings.HasPrefix(arg, "--outputCodec") })
	j.filter()
	want := fileSet{}
	for _, name := range j.selected() {
		to := name
		if changes {
			to = strings.TrimSuffix(name, ".gz") + suffix
		}
		want[to] = texts[name]
	}
	j.src.write(t, j.source)
	for range 2 {
		j.run(t, j.src.url())
		want.compare(t, unpacked(t, j.dest.read(t)), fmt.Sprintf("%q", j.args))
	}
}

// lists: what the list names is there, if it is selected.
func (j *randomJob) lists(t *testing.T) {
	var list bytes.Buffer
	flag, end := "--src-list", "\n"
	if j.random.IntN(2) == 0 {
		flag, end = "--src-list0", "\x00"
	}
	j.filter()
	want := fileSet{}
	for _, name := range slices.Sorted(maps.Keys(j.source)) {
		if j.random.IntN(2) == 0 {
			continue
		}
		fmt.Fprint(&list, name, end)
		if j.selects(name, len(j.source[name])) {
			want[name] = j.source[name]
		}
	}
	path := filepath.Join(j.env["HOME"], "list")
	if err := os.WriteFile(path, list.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	j.args = append(j.args, flag, path)
	j.src.write(t, j.source)
	j.twice(t, j.src.url(), want)
}

// numbers: the names begin with their places among what is selected.
func (j *randomJob) numbers(t *testing.T) {
	first := j.random.IntN(200)
	j.filter()
	j.args = append(j.args, "--numberFiles", "--startingIndex", strconv.Itoa(first))
	want := fileSet{}
	for i, name := range j.selected() {
		dir, file := path.Split(name)
		want[dir+strconv.Itoa(first+i)+file] = j.source[name]
	}
	j.src.write(t, j.source)
	j.twice(t, j.src.url(), want)
}

// manifests: what an earlier one lists is not copied again unless it was changed, and what it lists can be
// copied further.
func (j *randomJob) manifests(t *testing.T) {
	j.filter()
	want := fileSet{}
	for _, name := range j.selected() {
		want[name] = j.source[name]
	}
	there := func() fileSet {
		files := j.dest.read(t)
		maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, "manifest-") })
		return files
	}
	j.src.write(t, j.source)
	j.run(t, j.src.url(), "--outputManifest=manifest-1.gz")
	want.compare(t, there(), fmt.Sprintf("with a manifest %q", j.args))

	changed := j.files(5, 12_000)
	for name, content := range j.source {
		if j.random.IntN(3) == 0 {
			changed[name] = randomText(j.random.Uint64(), len(content)+j.random.IntN(2))
		}
	}
	for name, content := range changed {
		if j.source[name] = content; j.selects(name, len(content)) {
			want[name] = content
		}
	}
	j.src.write(t, changed)
	marks := j.random.IntN(2) == 0
	for _, name := range j.selected() {
		if _, ok := changed[name]; !ok && marks { // what is there in its place stays
			want[name] = []byte("not copied again")
			j.dest.write(t, fileSet{name: want[name]})
		}
	}
	previous := strings.TrimSuffix(j.dest.url(), "/") + "/manifest-"
	j.run(t, j.src.url(), "--previousManifest", previous+"1.gz", "--outputManifest=manifest-2.gz")
	want.compare(t, there(), fmt.Sprintf("with a previous manifest %q", j.args))
	if marks {
		return
	}

	from := j.dest.url()
	listed := fileSet{}
	for _, name := range j.selected() {
		listed[name] = want[name]
	}
	j.dest = j.backup
	j.args = nil
	j.run(t, from, "--copyFromManifest", "--previousManifest="+previous+"2.gz")
	listed.compare(t, j.dest.read(t), "copied from a manifest")
}
