# make build   both programs into bin/
# make demo    the whole idea on real data, in a minute
# make test    every test, against real servers that the tests start themselves
# make test-disk  hiveql on full disks for its cache and its temporary files, which are mounted in a name space
#              of their own: Linux, unshare(1), and a system that lets who runs it mount there
# make soak    500 random copies by distcp through trouble, as many killed writers of the block store, 200
#              processes on one, and 200 clients on a metastore in PostgreSQL and as many on one in MariaDB for 10 minutes;
#              50 times, processes of hiveql that write in every way to one metastore and are killed, while
#              others read, and every kind of write through trouble, and at every commit that PostgreSQL and MariaDB
#              do not answer; SKEP_SOAK_ROUNDS=N, SKEP_SOAK_PROCESSES=N, SKEP_SOAK_CLIENTS=N, SKEP_SOAK_TIME=2m and
#              SKEP_STORM_ROUNDS=N are other numbers; SKEP_SOAK_SEED=N and SKEP_STORM_SEED=N are the first seeds of distcp and of the storms
# make check   formatting, vet, static analysis, make platforms, and the tests under the race detector
# make bench   the benchmarks
# make bench-copy   distcp against s5cmd, rclone and mc; BENCH_COPY='--scale 0.1 --only W1' narrows it
# make bench-sql    hiveql against plain DuckDB and Spark: TPC-H and TPC-DS on local files and in S3; BENCH_SQL='--scale 1 --latency 20ms'
# make symbols which functions DuckDB reads files by, on amd64 and arm64: the hook must know them
# make platforms  distcp, and what it is made of, is vetted with its tests for macOS and for Linux on arm64, and built, without cgo
# make arm64   hiveql for linux-arm64, by a cross compiler (apt: g++-aarch64-linux-gnu qemu-user): its hook is looked for,
#              and a query run in an emulator
# make env     a MinIO server to play with: prints its settings, serves until interrupted
# make fmt     format the source

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOLANGCI_VERSION := v2.15.0
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/skep/bin

.PHONY: build demo test test-disk soak check race bench bench-copy bench-sql symbols platforms arm64 env fmt tools clean interop
.DEFAULT_GOAL := build

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/distcp ./cmd/distcp
	CGO_ENABLED=1 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/hiveql ./cmd/hiveql

demo: build
	go run ./testenv/demo --bin bin

test:
	go test -timeout 20m ./...

test-disk:
	go test -count=1 -tags fulldisk -run '^TestFullDisk(s|OfEveryWrite)$$' -timeout 20m ./cmd/hiveql

soak:
	SKEP_SOAK_ROUNDS=$(or $(SKEP_SOAK_ROUNDS),500) go test -count=1 -run '^Test(Faults|RandomJobs)$$' -timeout 120m ./cmd/distcp
	SKEP_SOAK_ROUNDS=$(or $(SKEP_SOAK_ROUNDS),500) go test -count=1 -run '^Test(Crash|CrashAtEveryStep|FaultAtEveryStep|ResumeAtEveryStep|ChoreAtEveryStep|KilledChores|Rebuild)$$' -timeout 120m ./storage/blockstore
	SKEP_SOAK_ROUNDS=$(or $(SKEP_SOAK_ROUNDS),500) go test -count=1 -run '^Test(KilledWrites|ServerIsKilled|WritingThroughTrouble)$$' -timeout 120m ./cmd/hiveql
	SKEP_SOAK_ROUNDS=$(or $(SKEP_STORM_ROUNDS),50) go test -count=1 -run '^Test(EveryWriteThroughTrouble|CommitsAreDisturbed|DatabaseGoesAway|ServedReaderBesideDrop)$$' -parallel 20 -timeout 120m ./cmd/hiveql
	SKEP_SOAK_ROUNDS=$(or $(SKEP_STORM_ROUNDS),50) go test -count=1 -tags storm -run '^TestStorm$$' -timeout 120m ./cmd/hiveql
	SKEP_SOAK_PROCESSES=$(or $(SKEP_SOAK_PROCESSES),200) SKEP_SOAK_TIME=60s go test -count=1 -run '^TestHammer$$' -timeout 30m -v ./storage/blockstore
	SKEP_SOAK_CLIENTS=$(or $(SKEP_SOAK_CLIENTS),200) SKEP_SOAK_TIME=$(or $(SKEP_SOAK_TIME),10m) go test -count=1 -run '^TestSoak$$' -timeout 60m -v ./metastore/hms

check: tools platforms
	test -z "$$(gofmt -l .)"
	go vet ./...
	$(TOOLS)/golangci-lint run ./...
	go test -race -timeout 40m ./...

race:
	go test -race -timeout 40m ./...

bench:
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

bench-copy:
	go run ./testenv/benchcopy $(BENCH_COPY)

bench-sql:
	go run ./testenv/benchsql $(BENCH_SQL)

symbols:
	go run ./testenv/symbols

platforms: darwin/arm64 darwin/amd64 linux/arm64

.PHONY: darwin/arm64 darwin/amd64 linux/arm64
darwin/arm64 darwin/amd64 linux/arm64:
	CGO_ENABLED=0 GOOS=$(@D) GOARCH=$(@F) go vet ./cmd/distcp ./copy/... ./storage/... ./testenv
	CGO_ENABLED=0 GOOS=$(@D) GOARCH=$(@F) go build -o /dev/null ./cmd/distcp

arm64:
	CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ CGO_ENABLED=1 GOOS=linux GOARCH=arm64 \
		go build -trimpath -ldflags '$(LDFLAGS)' -o bin/hiveql-linux-arm64 ./cmd/hiveql
	go run ./testenv/symbols bin/hiveql-linux-arm64
	qemu-aarch64 -L /usr/aarch64-linux-gnu bin/hiveql-linux-arm64 -S -e 'SELECT 1 + 1'

# Real clients, fetched from PyPI and Maven Central, against hiveql serve; SPARK=4.0.1 for another Spark.
interop:
	testenv/interop/run.sh

env:
	@go run ./testenv/up

fmt:
	gofmt -w .

# golangci-lint carries staticcheck; it is built once.
tools: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	touch $@

clean:
	rm -rf bin
