package hiveql

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
)

// Config says what an Engine works with. Store, Storage and Warehouse are required.
type Config struct {
	Store    metastore.Store
	Storage  *storage.Opener // must know file://, by which staged files are read
	Executor Executor        // may be nil: statements that read or write rows then fail
	Cache    *rangecache.Cache

	// Warehouse is the URL below which managed tables of the default database lie, and the
	// directories of other databases.
	Warehouse string
	// StagingDir is the local directory for files that are being written; os.TempDir if empty.
	StagingDir string
	// User owns what is created; the user of the process if empty.
	User string
	// Settings are the first settings of every session, as --hiveconf gives them.
	Settings map[string]string
	// Variables are the first hivevar variables of every session.
	Variables map[string]string
	// Getenv looks up ${env:NAME}; os.LookupEnv if nil.
	Getenv func(string) (string, bool)
	// Command carries out the orders to the client that are no SQL: quit, source, !command.
	// Without it they are errors. They have no rows.
	Command func(ctx context.Context, c *syntax.ShellCommand) error
	// NoPrograms refuses TRANSFORM, by which whoever may send statements can run any program of
	// the machine.
	NoPrograms bool
	// ForPrograms has DESCRIBE and SHOW COLUMNS answer as HiveServer2 does, whose clients read what in a terminal is
	// looked at: names, types and comments without the spaces that align them, the names of the columns once less,
	// and NULL where a line has no more columns.
	ForPrograms bool
	// ReadOnly refuses, by name, every statement that writes: tables, what is known of them, and files.
	ReadOnly bool
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Parallel bounds the listings and transfers that run at once for one statement; 0 is 16.
	Parallel int
}

// Engine runs HiveQL over one metastore. It is safe for concurrent use; a Session is not.
type Engine struct {
	cfg      Config
	defaults map[string]string // of settings, for all sessions

	mu     sync.Mutex
	limits Limits // of the executor

	clock   clock // of the metastore
	writers writers

	listings listings
}

// New makes an engine. It owns nothing of what the Config holds: whoever opened the parts
// closes them after the sessions.
func New(cfg Config) *Engine {
	if cfg.User == "" {
		if u, err := user.Current(); err == nil {
			cfg.User = u.Username
		}
	}
	if cfg.Getenv == nil {
		cfg.Getenv = os.LookupEnv
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.StagingDir = cmp.Or(cfg.StagingDir, os.TempDir())
	cfg.Parallel = cmp.Or(cfg.Parallel, 16)
	cfg.Warehouse = strings.TrimRight(cfg.Warehouse, "/")
	defaults := defaultSettings()
	defaults["hive.metastore.warehouse.dir"] = cfg.Warehouse
	return &Engine{cfg: cfg, defaults: defaults}
}

// NewSession starts a session in the default database.
func (e *Engine) NewSession() *Session {
	cfg := e.cfg
	own := newTemporaries(cfg.Store)
	cfg.Store = own
	s := &Session{
		engine: e, cfg: &cfg, temporary: own, db: metastore.DefaultDatabase,
		settings: newSettings(e.cfg.Settings, e.cfg.Variables, e.defaults, e.cfg.Getenv),
	}
	return s
}

// Session is one user's dialogue: the current database, settings, variables and temporary
// tables. It is used by one goroutine at a time.
type Session struct {
	engine    *Engine
	cfg       *Config
	db        string
	settings  *settings
	temporary *temporaries
	macros    map[string]macro  // by name in lower case
	functions map[string]string // of CREATE TEMPORARY FUNCTION: by name in lower case, the built-in function
	resources resources
	role      []string // of SET ROLE; nil for all that the user has
	watch     func(*Result)
	cleanups  []cleanup // of writes that this session has committed
	signs     signs
	closing   sync.Once
}

// SetUser says whose session it is: the owner of what is created, and current_user(). It is that of
// the Config otherwise.
func (s *Session) SetUser(name string) { s.cfg.User = name }

// Database is the current database.
func (s *Session) Database() string { return s.db }

// Setting is the value of a setting, or of its default; "" where there is neither.
func (s *Session) Setting(key string) string {
	v, _ := s.settings.get(key)
	return v
}

// Set gives a setting a value, as SET key=value does.
func (s *Session) Set(key, value string) error { return s.settings.set(key, value) }

// Watch lets fn see every statement as it begins to run; the Stats of the Result it gets grow
// while the statement runs. fn must not wait. There is one watcher; nil is none.
func (s *Session) Watch(fn func(*Result)) { s.watch = fn }

// Tidy removes the files that the session's writes have replaced, if they are due, as each statement does before it begins:
// for sessions that are kept and run none.
func (s *Session) Tidy(ctx context.Context) {
	s.cleanDue(ctx)
	s.rest()
}

// Close drops the session's temporary tables and the copies of ADD FILE, and removes the files that its writes have replaced,
// for which it may have to wait for skep.vacuum.grace if that is short. It is idempotent.
func (s *Session) Close(ctx context.Context) error {
	var err error
	s.closing.Do(func() {
		err = errors.Join(s.dropTemporary(ctx, ""), s.cleanRest(ctx), s.removeResources())
		s.rest()
	})
	return err
}
