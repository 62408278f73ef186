package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/hs2"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/metastore/sqlstore"
)

// serveOptions are the command line of hiveql serve.
type serveOptions struct {
	hms, hs2, monitor    string
	allowTransform       bool
	metastore, warehouse string
	config               string
	users                string
	ldapURL, ldapBind    string
	cert, key            string
	requireTLS           bool
	anyone               bool
	readOnly             bool
	version              string
	maxConns             int
	idle, grace          time.Duration
	maxReply             int64 // MiB
	hiveconf             map[string]string
	logCalls             bool
	logFormat            string
}

func (o *serveOptions) flags() *pflag.FlagSet {
	fs := newFlags("serve")
	fs.StringVar(&o.hms, "hms", "", "address for clients of the Hive Metastore, such as :9083 or 127.0.0.1:9083")
	fs.StringVar(&o.hs2, "hs2", "", "address for clients of HiveServer2 (Beeline, JDBC, ODBC, PyHive),\nsuch as :10000 or 127.0.0.1:10000")
	fs.StringVar(&o.monitor, "monitor", "", "address for /metrics (Prometheus) and /health, over HTTP")
	fs.StringVar(&o.metastore, "metastore", "", "URL of the metastore: sqlite:///path.db,\npostgres://user@host/database or mysql://user@host/database")
	fs.StringVar(&o.warehouse, "warehouse", "", "URL below which managed tables lie: file://, block:// or s3://")
	fs.StringVar(&o.config, "config", "", "the configuration file, instead of $XDG_CONFIG_HOME/skep/skep.toml")
	fs.StringVar(&o.users, "users", "", "file of NAME:BCRYPT lines, as htpasswd -B makes; clients must log in as one of them")
	fs.StringVar(&o.ldapURL, "ldap-url", "", "ldap:// or ldaps:// server by which clients must log in, instead of --users")
	fs.StringVar(&o.ldapBind, "ldap-bind", "", "how the server calls a user: uid=%s,ou=people,dc=example,dc=org")
	fs.StringVar(&o.cert, "tls-cert", "", "file with the certificate for clients that speak TLS (PEM)")
	fs.StringVar(&o.key, "tls-key", "", "file with its key (PEM)")
	fs.BoolVar(&o.requireTLS, "require-tls", false, "refuse clients that do not speak TLS")
	fs.BoolVar(&o.anyone, "allow-anyone", false, "serve other machines without --users or --ldap-url")
	fs.BoolVar(&o.readOnly, "read-only", false, "refuse every change, of the metastore and by HiveQL")
	o.hiveconf = map[string]string{}
	fs.Var(pairs(o.hiveconf), "hiveconf", "a setting that sessions of HiveServer2 begin with: name=value; may be repeated")
	fs.BoolVar(&o.allowTransform, "allow-transform", false, "let clients of HiveServer2 use TRANSFORM, which runs any program here")
	fs.StringVar(&o.version, "hive-version", "3.1.3", "the version of Hive that clients are told")
	fs.IntVar(&o.maxConns, "max-connections", 10000, "connections at a time; more wait")
	fs.DurationVar(&o.idle, "idle", 0, "close connections that are silent for so long; 0 never does")
	fs.DurationVar(&o.grace, "grace", 30*time.Second, "how long calls may take to end when the server is stopped")
	fs.Int64Var(&o.maxReply, "max-reply-mib", 1024, "size of the largest answer, in MiB")
	fs.BoolVar(&o.logCalls, "log-calls", true, "write a line on standard error for each call")
	fs.StringVar(&o.logFormat, "log-format", "text", "how lines are written: text or json")
	return fs
}

func serveHelp() string {
	return `hiveql serve serves a metastore by the protocol of the Hive Metastore, to Spark, Trino, Iceberg,
Flink, Hive and others, whichever of Hive's versions they are made for; and HiveQL by the protocol of
HiveServer2, to Beeline, JDBC and ODBC drivers, PyHive, Hue, Superset and others.

  hiveql serve --hms 127.0.0.1:9083
  hiveql serve --hs2 127.0.0.1:10000
  hiveql serve --hms :9083 --users skep.users --tls-cert tls.crt --tls-key tls.key --monitor :9084

` + (&serveOptions{}).flags().FlagUsages() + `
Clients may speak TBinary or TCompact, framed or not, in SASL PLAIN, HTTP or TLS: one port is for
all. Without --users or --ldap-url only clients of this machine are served. SIGTERM and SIGINT let calls end.
`
}

// serve runs hiveql serve.
func (p *program) serve(ctx context.Context, args []string) error {
	o := &serveOptions{}
	fs := o.flags()
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			_, err = io.WriteString(p.stdout, serveHelp())
			return err
		}
		return usagef("serve: %v", err)
	}
	switch {
	case len(fs.Args()) > 0:
		return usagef("serve: unexpected argument %q", fs.Arg(0))
	case o.hms == "" && o.hs2 == "":
		return usagef("serve: nothing to serve; give --hms ADDRESS or --hs2 ADDRESS")
	case o.logFormat != "text" && o.logFormat != "json":
		return usagef("serve: unknown --log-format %q; use text or json", o.logFormat)
	case (o.cert == "") != (o.key == ""):
		return usagef("serve: --tls-cert and --tls-key go together")
	case (o.ldapURL == "") != (o.ldapBind == ""):
		return usagef("serve: --ldap-url and --ldap-bind go together")
	case o.ldapURL != "" && o.users != "":
		return usagef("serve: give either --users or --ldap-url")
	case o.requireTLS && o.cert == "":
		return usagef("serve: --require-tls needs --tls-cert and --tls-key")
	}
	if err := o.allowed(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return p.serveAll(ctx, o)
}

// allowed refuses to serve other machines without asking who they are, unless told to.
func (o *serveOptions) allowed() error {
	if o.users != "" || o.ldapURL != "" || o.anyone {
		return nil
	}
	for flag, address := range map[string]string{"--hms": o.hms, "--hs2": o.hs2} {
		if address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return usagef("serve: %s: %v", flag, err)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return usagef("serve: %s is open to other machines, and anybody could change the metastore; "+
				"give --users FILE, or --ldap-url, or --allow-anyone, or listen at 127.0.0.1", address)
		}
	}
	return nil
}

// served is one of the servers, with what it needs done beside it.
type served struct {
	protocol, address string // "hms", where it is to listen
	what              string // for the log: "the metastore"
	server            *thrift.Server
	reap              func(context.Context) error // once a minute
	close             func() error                // when it has ended
}

// serveAll serves what the command line names until ctx ends.
func (p *program) serveAll(ctx context.Context, o *serveOptions) (err error) {
	log := p.logger(o)
	var all []*served
	defer func() {
		for _, s := range all {
			err = errors.Join(err, s.close())
		}
	}()
	var m *monitor
	if o.hms != "" {
		s, store, err := p.metastoreServer(ctx, o, log)
		if err != nil {
			return err
		}
		all, m = append(all, s), newMonitor(store)
	}
	if o.hs2 != "" {
		s, store, err := p.queryServer(ctx, o, log)
		if err != nil {
			return err
		}
		if all = append(all, s); m == nil {
			m = newMonitor(store)
		}
	}
	for _, s := range all {
		s.server.Observe = m.count(s.protocol, s.server).observer(log, o.logCalls)
		if err := o.secure(s.server); err != nil {
			return err
		}
	}
	return o.listen(ctx, all, m, log)
}

// newServer is what the servers have in common.
func (o *serveOptions) newServer(log *slog.Logger) *thrift.Server {
	return &thrift.Server{
		MaxConns: o.maxConns, Idle: o.idle, MaxReply: o.maxReply << 20, RequireTLS: o.requireTLS,
		Panicked: func(method string, value any) { log.Error("a method failed badly", "method", method, "panic", value) },
		Refused:  func(remote string, err error) { log.Warn("a connection ended", "remote", remote, "error", err) },
	}
}

// secure sets up logins and TLS.
func (o *serveOptions) secure(s *thrift.Server) (err error) {
	switch {
	case o.ldapURL != "":
		s.Auth, err = ldapUsers(o.ldapURL, o.ldapBind)
	case o.users != "":
		s.Auth, err = userFile(o.users)
	}
	if err != nil || o.cert == "" {
		return err
	}
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	return nil
}

// metastoreServer serves the metastore's own database.
func (p *program) metastoreServer(ctx context.Context, o *serveOptions, log *slog.Logger) (*served, metastore.Store, error) {
	cfg, err := config.Load(config.Source{Getenv: p.getenv, File: o.config, Overrides: map[string]string{
		"metastore": o.metastore, "warehouse": o.warehouse,
	}})
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlstore.Open(ctx, cfg.Metastore)
	if err != nil {
		return nil, nil, err
	}
	opener := cfg.Opener()
	closeAll := func() error { return errors.Join(store.Close(), opener.Close()) }
	warehouse, err := opener.Open(ctx, cfg.Warehouse)
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	service := hms.New(hms.Config{
		Store: store, Warehouse: warehouse.URL(), Files: &directories{opener, warehouse.URL()}, ReadOnly: o.readOnly,
		Version: o.version, Log: log,
	})
	server := o.newServer(log)
	server.Service, server.Translate = service.Thrift(), hms.Exception
	return &served{
		protocol: "hms", address: o.hms, what: "the metastore", server: server, reap: service.Reap, close: closeAll,
	}, store, nil
}

// queryServer serves HiveQL.
func (p *program) queryServer(ctx context.Context, o *serveOptions, log *slog.Logger) (*served, metastore.Store, error) {
	opened, err := p.openEngine(ctx, &options{
		metastore: o.metastore, warehouse: o.warehouse, config: o.config, cacheSize: defaultCacheMiB,
		hiveconf: o.hiveconf, hivevar: map[string]string{},
	}, func(cfg *hiveql.Config) {
		cfg.NoPrograms = !o.allowTransform
		cfg.ForPrograms = true
		cfg.ReadOnly = o.readOnly
		cfg.Getenv = func(string) (string, bool) { return "", false } // it holds secrets of the server
	})
	if err != nil {
		return nil, nil, err
	}
	service := hs2.New(context.WithoutCancel(ctx), hs2.Config{
		Engine: opened.engine, Store: opened.store, Version: o.version, LoggedIn: o.users != "" || o.ldapURL != "", Log: log,
	})
	server := o.newServer(log)
	server.Service, server.Left = service.Thrift(), service.Left
	return &served{
		protocol: "hs2", address: o.hs2, what: "HiveQL", server: server,
		reap:  func(context.Context) error { service.Reap(); return nil },
		close: func() error { return errors.Join(service.Close(), opened.close()) },
	}, opened.store, nil
}

// reaping removes what clients that have gone left behind, once a minute.
func (s *served) reaping(ctx context.Context, log *slog.Logger) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.reap(ctx); err != nil && ctx.Err() == nil {
			log.Warn("what clients have left could not be removed", "error", err)
		}
	}
}

// listen serves until ctx ends.
func (o *serveOptions) listen(ctx context.Context, all []*served, m *monitor, log *slog.Logger) error {
	var lc net.ListenConfig
	group, gctx := errgroup.WithContext(ctx)
	if o.monitor != "" {
		web, err := lc.Listen(ctx, "tcp", o.monitor)
		if err != nil {
			return err
		}
		log.Info("monitoring", "address", web.Addr().String())
		group.Go(func() error { return m.serve(gctx, web) })
	}
	for _, s := range all {
		group.Go(func() error {
			l, err := lc.Listen(gctx, "tcp", s.address)
			if err != nil {
				return err
			}
			log.Info("serving "+s.what, "address", l.Addr().String(), "version", version)
			return s.server.Serve(gctx, l, o.grace)
		})
		group.Go(func() error { return s.reaping(gctx, log) })
	}
	err := group.Wait()
	log.Info("stopped")
	return err
}

func (p *program) logger(o *serveOptions) *slog.Logger {
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(p.stderr, nil))
}
