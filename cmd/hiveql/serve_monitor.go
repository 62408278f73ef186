package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// monitor says what servers do, for Prometheus, and whether they are well.
type monitor struct {
	store    metastore.Reader
	registry *prometheus.Registry
}

func newMonitor(store metastore.Reader) *monitor {
	m := &monitor{store: store, registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// counted are the figures of one server.
type counted struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	bytes   prometheus.Counter
}

// count counts what a server does, under the name of its protocol.
func (m *monitor) count(protocol string, s *thrift.Server) *counted {
	c := &counted{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skep_" + protocol + "_calls_total", Help: "Calls that have ended, by method and result.",
		}, []string{"method", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "skep_" + protocol + "_call_seconds", Help: "How long calls took, by method.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "skep_" + protocol + "_sent_bytes_total", Help: "Bytes of answers.",
		}),
	}
	m.registry.MustRegister(c.calls, c.seconds, c.bytes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "skep_" + protocol + "_connections", Help: "Connections that are open.",
	}, func() float64 { return float64(s.Conns()) }))
	return c
}

// observer is told of each call. Methods that do not exist count as one, whatever clients call them.
func (c *counted) observer(log *slog.Logger, logCalls bool) func(thrift.Info) {
	return func(i thrift.Info) {
		method, result := i.Method, "ok"
		var app *thrift.ApplicationError
		switch {
		case errors.As(i.Err, &app) && app.Kind == thrift.UnknownMethod:
			method, result = "unknown", "unknown method"
		case errors.As(i.Err, &app):
			result = "error"
		case i.Err != nil:
			result = "exception"
		}
		c.calls.WithLabelValues(method, result).Inc()
		c.seconds.WithLabelValues(method).Observe(i.Took.Seconds())
		c.bytes.Add(float64(i.Sent))
		if !logCalls {
			return
		}
		attrs := []any{
			"method", i.Method, "remote", i.Remote, "user", i.User, "took", i.Took.Round(time.Microsecond), "sent", i.Sent,
		}
		if i.Err != nil {
			attrs = append(attrs, "error", i.Err)
		}
		log.Info("call", attrs...)
	}
}

// serve answers /metrics and /health until ctx ends.
func (m *monitor) serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if _, err := m.store.Database(ctx, metastore.DefaultDatabase); err != nil {
			http.Error(w, "the metastore cannot be read: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // whoever asked has gone, if it fails
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
