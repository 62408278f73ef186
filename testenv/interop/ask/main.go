// Command ask makes the calls of metastore/hms/testdata/methods to a metastore, those that a version of Hive has, and prints
// each with its answer.
//
//	go run ./testenv/interop/ask --to 127.0.0.1:9083 --version 2.3 < metastore/hms/testdata/methods
//
// It knows the metastore by the protocol alone, so that Hive's own can be asked the same.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/testenv/interop/trace"
)

func main() {
	to := flag.String("to", "127.0.0.1:9083", "`address` of the metastore")
	version := flag.String("version", "2.3", "only methods of this `version` of Hive")
	warehouse := flag.String("warehouse", "file:///w", "`URL` that answers show as file:///w")
	flag.Parse()
	if err := run(context.Background(), *to, *version, *warehouse); err != nil {
		fmt.Fprintln(os.Stderr, "ask:", err)
		os.Exit(1)
	}
}

// run goes on with another connection where a call ends one.
func run(ctx context.Context, to, version, warehouse string) error {
	dial := func() (*thrift.Client, error) { return thrift.Dialer{Address: to}.Dial(ctx) }
	c, err := dial()
	if err != nil {
		return err
	}
	asker := trace.NewAsker(c, warehouse)
	var calls []string
	fmt.Println("# What a metastore of the version " + version + " answered to the calls of the file methods that it has: testenv/interop/ask.")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		method, of, answered := strings.Cut(line, " (")
		switch {
		case line == "" || line == "calls" || line == "----" || line[0] == '#':
		case !answered || strings.ContainsAny(method, " "):
			calls = append(calls, line)
		default:
			call := calls[0]
			calls = calls[1:]
			if !strings.Contains(of[:strings.IndexByte(of, ')')], version) {
				continue
			}
			if method == "shutdown" || method == "reinitialize" { // to which Hive says nothing
				continue
			}
			answer, err := asker.Ask(ctx, call)
			if errors.Is(err, trace.ErrNoNumber) {
				continue
			}
			if err != nil {
				answer = "the connection ends"
				if c, err = dial(); err != nil {
					return err
				}
				asker.Reconnect(c)
			}
			fmt.Printf("%s\n    %s\n", call, answer)
		}
	}
	return lines.Err()
}
