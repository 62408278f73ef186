// Command record stands between clients of a Hive Metastore and the metastore, and writes what
// they say to each other, a JSON object a line, for the tests of metastore/hms to replay. It serves
// clients that speak TBinary without frames, until it gets SIGTERM.
//
//	record --to 127.0.0.1:9083 --out spark.jsonl    # prints the address that it listens at
//
// It knows how messages are written, and nothing of what they mean.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/testenv/interop/trace"
)

func main() {
	to := flag.String("to", "", "address of the metastore")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *to, *out); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, to, out string) error {
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	fmt.Println(l.Addr())
	var mu sync.Mutex
	var wg sync.WaitGroup
	lines := json.NewEncoder(file)
	lines.SetEscapeHTML(false)
	for n := 1; ; n++ {
		conn, err := l.Accept()
		if err != nil {
			break // it was closed
		}
		wg.Go(func() {
			err := record(ctx, conn, to, func(x thrift.Exchange) error {
				mu.Lock()
				defer mu.Unlock()
				return lines.Encode(trace.Call{
					Conn: n, Time: time.Now().Unix(), Method: x.Call.Name, Args: x.Args, Type: x.Reply.Type, Answer: x.Answer,
				})
			})
			if err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "record:", err)
			}
		})
	}
	wg.Wait()
	return file.Close()
}

func record(ctx context.Context, conn net.Conn, to string, seen func(thrift.Exchange) error) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	c, err := thrift.Dialer{Address: to}.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	var failed error
	err = thrift.Record(ctx, conn, c, func(x thrift.Exchange) {
		if err := seen(x); err != nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	return err
}
