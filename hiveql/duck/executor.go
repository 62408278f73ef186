package duck

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
)

// Version is the version of DuckDB that the package is written for.
const Version = "v1.5.6"

// Config configures Open. Its zero value is usable.
type Config struct {
	// Threads is the number of threads of a query; 0 is GOMAXPROCS.
	Threads int
	// MemoryLimit is in bytes; what a query needs beyond it is spilled to TempDir. 0 leaves
	// it to DuckDB, which takes four fifths of the memory.
	MemoryLimit int64
	// TempDir is where queries spill and files are prepared. Empty is a directory of its own
	// below os.TempDir, which Close removes.
	TempDir string
}

// Executor runs plans in one DuckDB database in memory. It is safe for concurrent use.
type Executor struct {
	db       duckdb.Database
	threads  atomic.Int64
	tempDir  string
	ownTemps []*temp // which Close removes

	footers footers
	answers answers // to questions: see asking
	pages   pageBook

	hookOnce  sync.Once
	hookWorks bool

	mu         sync.Mutex
	registered map[string]bool // functions that the database knows besides those of all plans
	closed     bool
	jobs       map[*job]bool  // the statements that run
	running    sync.WaitGroup // for them
	idle       []*connection  // which statements have given back
}

//go:embed macros.sql
var macros string

// Open starts DuckDB in this process.
func Open(config Config) (*Executor, error) {
	e := &Executor{tempDir: config.TempDir, registered: map[string]bool{}, jobs: map[*job]bool{}}
	e.threads.Store(threadsOf(config.Threads))
	if got := duckdb.LibraryVersion(); got != Version {
		return nil, &Error{Op: "open", Msg: fmt.Sprintf("the program is linked with DuckDB %s, but needs %s; build it with the versions in go.mod", got, Version)}
	}
	if e.tempDir == "" {
		own, err := newTemp("")
		if err != nil {
			return nil, fmt.Errorf("open the engine: %w", err)
		}
		e.tempDir, e.ownTemps = own.dir, []*temp{own}
	}
	if err := errors.Join(e.open(config), e.prepare()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Executor) open(config Config) error {
	var c duckdb.Config
	if duckdb.CreateConfig(&c) == duckdb.StateError {
		return &Error{Op: "open", Msg: "the engine has no memory left"}
	}
	defer duckdb.DestroyConfig(&c)
	options := map[string]string{
		"threads":                      strconv.FormatInt(e.threads.Load(), 10),
		openFilesSetting:               strconv.FormatInt(openFiles(e.threads.Load()), 10),
		"temp_directory":               e.tempDir,
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
	}
	if config.MemoryLimit > 0 {
		options["memory_limit"] = strconv.FormatInt(config.MemoryLimit, 10) + "B"
	}
	for name, value := range options {
		if duckdb.SetConfig(c, name, value) == duckdb.StateError {
			return &Error{Op: "open", Msg: fmt.Sprintf("the engine does not accept %s = %s", name, value)}
		}
	}
	var text string
	if duckdb.OpenExt(":memory:", &e.db, c, &text) == duckdb.StateError {
		return &Error{Op: "open", Msg: "the engine does not start", Err: &cause{text: text}}
	}
	return nil
}

// openFilesSetting is how many files of partitions DuckDB keeps open, with the rows of a row group each,
// before it ends one.
const openFilesSetting = "partitioned_write_max_open_files"

// openFiles is how many that should be. Rows come sorted by partition, so that each thread has to do with
// one at a time, and not all with the same.
func openFiles(threads int64) int64 { return max(threads, 2) }

func threadsOf(n int) int64 {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return int64(n)
}

// threadsFor is how many threads there are for one of so many things that are done at once.
func (e *Executor) threadsFor(n int) int { return max(1, int(e.threads.Load())/max(n, 1)) }

// SetLimits implements hiveql.Executor. Below a directory for temporary files it makes one of its
// own; once a query has spilled, the place can no longer be changed.
func (e *Executor) SetLimits(l hiveql.Limits) error {
	c, err := e.connect()
	if err != nil {
		return err
	}
	defer c.close()
	threads := threadsOf(l.Threads)
	statements := []string{
		"RESET GLOBAL memory_limit", "SET GLOBAL threads = " + strconv.FormatInt(threads, 10),
		"SET GLOBAL " + openFilesSetting + " = " + strconv.FormatInt(openFiles(threads), 10),
	}
	if l.Memory != "" {
		statements[0] = "SET GLOBAL memory_limit = " + quote(l.Memory)
	}
	if l.TempDir != "" {
		own, err := newTemp(l.TempDir)
		if err != nil {
			return fmt.Errorf("temp_directory: %w", err)
		}
		e.ownTemps = append(e.ownTemps, own)
		statements = append(statements, "SET GLOBAL temp_directory = "+quote(own.dir))
	}
	for _, sql := range statements {
		if err := c.exec(context.Background(), sql); err != nil {
			return err
		}
	}
	e.threads.Store(threads)
	return nil
}

// prepare makes our functions known and sets what holds for all connections.
func (e *Executor) prepare() error {
	if e.db.Ptr == nil {
		return nil
	}
	c, err := e.connect()
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.registerFunctions(); err != nil {
		return &Error{Op: "open", Msg: err.Error()}
	}
	if err := c.registerFeed(); err != nil {
		return &Error{Op: "open", Msg: err.Error()}
	}
	for _, sql := range strings.Split(settings+macros, ";\n") {
		if strings.TrimSpace(sql) == "" {
			continue
		}
		if err := c.exec(context.Background(), sql); err != nil {
			return fmt.Errorf("open the engine: %w", err)
		}
	}
	return nil
}

// settings leave files to the system, which keeps them in memory as long as nobody needs that: DuckDB would
// keep what it has read of them too, up to the memory limit. Of Parquet files it keeps the footers.
const settings = `
SET GLOBAL TimeZone = 'UTC';
SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc';
SET GLOBAL lambda_syntax = 'DISABLE_SINGLE_ARROW';
SET GLOBAL prefetch_all_parquet_files = true;
SET GLOBAL parquet_metadata_cache = true;
SET GLOBAL enable_external_file_cache = false;
SET GLOBAL partitioned_write_flush_threshold = 122880;
`

// enter counts a statement in, so that Close ends it and waits for it.
func (e *Executor) enter(j *job) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	e.jobs[j] = true
	e.running.Add(1)
	return nil
}

func (e *Executor) leave(j *job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.jobs, j)
	e.running.Done()
}

var errClosed = &Error{Op: "run", Msg: "the engine is closed"}

// Close interrupts the statements that run, waits until their rows are closed, and stops DuckDB.
// It is idempotent.
func (e *Executor) Close() error {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	for j := range e.jobs {
		j.interrupt()
	}
	e.mu.Unlock()
	if was {
		return nil
	}
	e.running.Wait()
	e.mu.Lock()
	for _, c := range e.idle {
		c.close()
	}
	e.idle = nil
	e.mu.Unlock()
	duckdb.Close(&e.db)
	for _, own := range e.ownTemps {
		if err := own.remove(); err != nil {
			return fmt.Errorf("close the engine: %w", err)
		}
	}
	return nil
}
