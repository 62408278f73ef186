package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// TestEveryWriteThroughTrouble carries out each kind of write while the server is busy, connections break, and
// bits change of what is sent and of the objects that are read. What is there afterwards is as it was or as it
// should be.
func TestEveryWriteThroughTrouble(t *testing.T) {
	t.Parallel()
	s3 := testenv.MinIO(t)
	i, proxy := installFar(t, s3)
	file := filepath.Join(i.dir, "five.txt")
	if err := os.WriteFile(file, []byte("5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer("$in", s3.URL("in"), "$out", s3.URL("wh/out"), "$file", file)
	failed := 0
	for round := range soakRounds(t, 1) {
		for n, w := range serverWrites {
			seed := uint64(round*100 + n)
			i.trial(names, w, fmt.Sprint("through trouble ", seed), func(name, content string) { object(t, s3, "in/"+name, content) },
				func(sql string) error {
					proxy.SetFaults(testenv.Faults{
						Busy: 0.05, CutUp: 0.05, CutDown: 0.05, LostAnswer: 0.05, Truncate: 0.02, FlipUp: 0.05, Seed: seed,
					})
					proxy.Change(nil, flipObjects(seed, 0.1))
					_, err := i.try(sql)
					proxy.SetFaults(testenv.Faults{})
					proxy.Change(nil, nil)
					if err != nil {
						failed++
					}
					return err
				})
		}
	}
	t.Logf("%d statements failed; %v", failed, proxy.Injected())
	i.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS c; dfs -rm -r -f " + names.Replace("$out $in") + "; INSERT INTO p PARTITION (ds='y') VALUES (3)")
	i.wantNothingLeft(s3, "p")
}

// flipObjects changes a bit of a fraction of the objects, and parts of them, that are read.
func flipObjects(seed uint64, fraction float64) func(*http.Response) error {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 2))
	return func(r *http.Response) error {
		mu.Lock()
		defer mu.Unlock()
		flip, at := random.Float64() < fraction, random.Float64()
		if q := r.Request.URL.Query(); flip && r.Request.Method == http.MethodGet && len(q) == 0 && r.ContentLength > 0 && r.StatusCode < 300 {
			r.Body = testenv.FlipBit(r.Body, int64(at*float64(r.ContentLength)))
		}
		return nil
	}
}
