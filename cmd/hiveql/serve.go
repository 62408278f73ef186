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

	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/metastore/sqlstore"
)

// serveOptions are the command line of hiveql serve.
type serveOptions struct {
	hms, monitor         string
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
	logCalls             bool
	logFormat            string
}

func (o *serveOptions) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("hiveql serve", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.SortFlags = false
	fs.StringVar(&o.hms, "hms", "", "address for clients of the Hive Metastore, such as :9083 or 127.0.0.1:9083")
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
	fs.BoolVar(&o.readOnly, "read-only", false, "refuse every change")
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
Flink, Hive and others, whichever of Hive's versions they are made for.

  hiveql serve --hms 127.0.0.1:9083
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
	case o.hms == "":
		return usagef("serve: nothing to serve; give --hms ADDRESS")
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
	return p.serveMetastore(ctx, o)
}

// allowed refuses to serve other machines without asking who they are, unless told to.
func (o *serveOptions) allowed() error {
	if o.users != "" || o.ldapURL != "" || o.anyone {
		return nil
	}
	host, _, err := net.SplitHostPort(o.hms)
	if err != nil {
		return usagef("serve: --hms: %v", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return usagef("serve: %s is open to other machines, and anybody could change the metastore; "+
		"give --users FILE, or --ldap-url, or --allow-anyone, or listen at 127.0.0.1", o.hms)
}

func (p *program) serveMetastore(ctx context.Context, o *serveOptions) (err error) {
	cfg, err := config.Load(config.Source{Getenv: p.getenv, File: o.config, Overrides: map[string]string{
		"metastore": o.metastore, "warehouse": o.warehouse,
	}})
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(ctx, cfg.Metastore)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	opener := cfg.Opener()
	defer func() { err = errors.Join(err, opener.Close()) }()
	warehouse, err := opener.Open(ctx, cfg.Warehouse)
	if err != nil {
		return err
	}
	log := p.logger(o)
	service := hms.New(hms.Config{
		Store: store, Warehouse: warehouse.URL(), Files: &directories{opener, warehouse.URL()}, ReadOnly: o.readOnly,
		Version: o.version, Log: log,
	})
	m := newMonitor(store)
	server := &thrift.Server{
		Service: service.Thrift(), Translate: hms.Exception, MaxConns: o.maxConns, Idle: o.idle, MaxReply: o.maxReply << 20,
		RequireTLS: o.requireTLS, Observe: m.observer(log, o.logCalls),
		Panicked: func(method string, value any) { log.Error("a method failed badly", "method", method, "panic", value) },
		Refused:  func(remote string, err error) { log.Warn("a connection ended", "remote", remote, "error", err) },
	}
	m.watch(server)
	if o.ldapURL != "" {
		if server.Auth, err = ldapUsers(o.ldapURL, o.ldapBind); err != nil {
			return err
		}
	}
	if o.users != "" {
		if server.Auth, err = userFile(o.users); err != nil {
			return err
		}
	}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return fmt.Errorf("read the certificate: %w", err)
		}
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return p.listen(ctx, o, server, m, log, service)
}

// reap removes the locks of clients that have gone, once a minute.
func reap(ctx context.Context, service *hms.Service, log *slog.Logger) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := service.Reap(ctx); err != nil && ctx.Err() == nil {
			log.Warn("expired locks could not be removed", "error", err)
		}
	}
}

// listen serves until ctx ends.
func (p *program) listen(
	ctx context.Context, o *serveOptions, server *thrift.Server, m *monitor, log *slog.Logger, service *hms.Service,
) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.hms)
	if err != nil {
		return err
	}
	group, gctx := errgroup.WithContext(ctx)
	if o.monitor != "" {
		web, err := lc.Listen(ctx, "tcp", o.monitor)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		log.Info("monitoring", "address", web.Addr().String())
		group.Go(func() error { return m.serve(gctx, web) })
	}
	group.Go(func() error { return reap(gctx, service, log) })
	log.Info("serving the metastore", "address", l.Addr().String(), "version", version)
	group.Go(func() error {
		err := server.Serve(gctx, l, o.grace)
		log.Info("stopped")
		return err
	})
	return group.Wait()
}

func (p *program) logger(o *serveOptions) *slog.Logger {
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(p.stderr, nil))
}
