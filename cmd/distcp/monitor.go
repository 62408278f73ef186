package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// isAddress reports whether what --metrics names is an address to serve at, and no file: a port,
// alone for this machine, or behind a host to listen at.
func isAddress(where string) bool {
	host, port, err := net.SplitHostPort(where)
	if err != nil || strings.Contains(host, "/") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// beyondPorts reports whether what --metrics names would be an address, if there were such a port.
func beyondPorts(where string) bool {
	host, port, err := net.SplitHostPort(where)
	return err == nil && !strings.Contains(host, "/") && isNumber(port) && !isAddress(where)
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// monitor serves the metrics of a copy over HTTP while it runs: /metrics, and /health for those who ask
// whether it does.
type monitor struct {
	server *http.Server
	ended  chan struct{}
	url    string
}

// startMonitor listens at "host:port", or at ":port" of the loopback interface.
func startMonitor(address string, t *tally) (*monitor, error) {
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &absentError{fmt.Errorf("--metrics: %w", err)}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(renderMetrics(liveMetrics(t.state()))) // who has gone needs none
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	m := &monitor{
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute},
		ended:  make(chan struct{}),
		url:    "http://" + listener.Addr().String() + "/metrics",
	}
	go func() {
		defer close(m.ended)
		_ = m.server.Serve(listener) // it returns when end closes the listener
	}()
	return m, nil
}

// end closes all connections.
func (m *monitor) end() error {
	err := m.server.Close()
	<-m.ended
	return err
}

// watch serves a tally where --metrics wants it, until the function it returns is called. A dry run
// serves nothing.
func (c *command) watch(flags *copyFlags, t *tally) (end func(), err error) {
	for _, where := range flags.metrics {
		if !isAddress(where) || flags.opts.DryRun {
			continue
		}
		m, err := startMonitor(where, t)
		if err != nil {
			return nil, err
		}
		if !flags.quiet {
			fmt.Fprintf(c.stderr, "distcp: metrics at %s\n", m.url)
		}
		return func() { _ = m.end() }, nil // who is still connected has what there was
	}
	return func() {}, nil
}
