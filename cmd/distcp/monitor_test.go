package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/common/expfmt"

	"github.com/skepdata/skep/testenv"
)

// TestMonitor scrapes a copy that goes on, as Prometheus does, and asks for it when it has ended.
func TestMonitor(t *testing.T) {
	p := testenv.NewProxy(t, testenv.MinIO(t))
	dir, home := t.TempDir(), t.TempDir()
	for name, size := range map[string]int{"first": 1000, "second": 2000} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	scraped := make(chan struct{})
	p.Change(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/second") {
			<-scraped // this one is under way until then
		}
	}, nil)
	getenv := func(name string) string {
		for _, pair := range p.Env() {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return map[string]string{"HOME": home}[name]
	}
	told, out := io.Pipe()
	var running sync.WaitGroup
	defer running.Wait()
	textfile := filepath.Join(t.TempDir(), "distcp.prom")
	running.Go(func() {
		args := []string{"--src", dir, "--dest", p.URL("copy/"), "--metrics", ":0", "--metrics", textfile}
		if code := run(t.Context(), args, nil, io.Discard, out, getenv); code != exitOK {
			t.Errorf("exit code %d", code)
		}
		_ = out.Close()
	})
	lines := bufio.NewScanner(told)
	if !lines.Scan() {
		t.Fatal("nothing was told")
	}
	url, ok := strings.CutPrefix(lines.Text(), "distcp: metrics at ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("told %q", lines.Text())
	}
	for values := scrape(t, url); values["distcp_objects"] != 1 || values["distcp_listing_complete"] != 1; values = scrape(t, url) {
		if values["distcp_running"] != 1 || values["distcp_objects"] > 1 {
			t.Fatalf("scraped %v", values)
		}
	}
	if values := scrape(t, url); values["distcp_planned_bytes"] != 3000 || values["distcp_bytes"] != 1000 {
		t.Errorf("scraped %v", values)
	}
	if health := get(t, strings.TrimSuffix(url, "metrics")+"health"); health != "ok\n" {
		t.Errorf("the health is %q", health)
	}
	close(scraped)
	var rest bytes.Buffer
	for lines.Scan() {
		rest.WriteString(lines.Text())
	}
	running.Wait()
	if resp, err := http.Get(url); err == nil {
		_ = resp.Body.Close()
		t.Error("the metrics are still served")
	}
	text, err := os.ReadFile(textfile)
	if err != nil || !strings.Contains(string(text), "\ndistcp_objects 2\n") {
		t.Errorf("the file: %s, %v; told: %s", text, err, rest.String())
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// scrape reads metrics by Prometheus' own parser.
func scrape(t *testing.T, url string) map[string]float64 {
	t.Helper()
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(strings.NewReader(get(t, url)))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for name, family := range families {
		values[name] = family.GetMetric()[0].GetGauge().GetValue()
	}
	return values
}

func TestMetricsAddress(t *testing.T) {
	for text, want := range map[string]bool{
		":9090": true, "localhost:9090": true, "0.0.0.0:1": true, "[::1]:9090": true,
		"": false, "file": false, "/a/b:90": false, "dir/x:90": false, "x:y": false, ":": false, "::1:90": false,
	} {
		if got := isAddress(text); got != want {
			t.Errorf("%q is an address: %v, want %v", text, got, want)
		}
	}
}
