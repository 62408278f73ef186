package hms_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/skepdata/skep/internal/thrift"
)

// The structs of the wire that clients need.
type (
	soakRequest[T any] struct {
		Request T `thrift:"1"`
	}
	soakLock struct {
		ID    int64 `thrift:"1"`
		State int32 `thrift:"2"`
	}
	soakComponent struct {
		Type  int32  `thrift:"1"`
		Level int32  `thrift:"2"`
		DB    string `thrift:"3"`
		Table string `thrift:"4"`
	}
	soakLockRequest struct {
		Components []soakComponent `thrift:"1"`
		User       string          `thrift:"3"`
		Host       string          `thrift:"4"`
	}
	soakTable struct {
		Name       string            `thrift:"1"`
		DB         string            `thrift:"2"`
		Storage    *soakStorage      `thrift:"7"`
		Keys       []soakColumn      `thrift:"8"`
		Parameters map[string]string `thrift:"9"`
		Type       string            `thrift:"12"`
		Unknown    thrift.Unknown
	}
	soakStorage struct {
		Columns  []soakColumn `thrift:"1"`
		Location string       `thrift:"2"`
		Unknown  thrift.Unknown
	}
	soakColumn struct {
		Name string `thrift:"1"`
		Type string `thrift:"2"`
	}
	soakPartition struct {
		Values     []string          `thrift:"1"`
		DB         string            `thrift:"2"`
		Table      string            `thrift:"3"`
		Storage    *soakStorage      `thrift:"6"`
		Parameters map[string]string `thrift:"7"`
	}
	soakException struct {
		Message string `thrift:"1"`
	}
)

func (e *soakException) Error() string { return e.Message }

func exclusive(user string) soakLockRequest {
	return soakLockRequest{[]soakComponent{{3, 2, "default", "counter"}}, user, "host"}
}

// soakClient is one client. It knows what it has been told is there.
type soakClient struct {
	*soak
	name string
	conn *thrift.Client
	have map[string]bool // partitions of its table, which nobody else changes
	made bool            // the table
}

func (c *soakClient) run(ctx context.Context) {
	defer c.hangUp()
	random := rand.New(rand.NewPCG(1, uint64(len(c.name))+uint64(c.name[3])<<8+uint64(c.name[2])<<16+uint64(c.name[1])<<24))
	c.have = map[string]bool{}
	for ctx.Err() == nil {
		var err error
		switch n := random.IntN(12); {
		case !c.made || n == 0:
			err = c.remake(ctx)
		case n < 4:
			err = c.change(ctx, random)
		case n < 7:
			err = c.look(ctx, random)
		case n < 9:
			err = c.commit(ctx)
		case n < 11:
			err = c.exclude(ctx, random.IntN(8) == 0)
		default: // it dies
			c.kills.Add(1)
			c.hangUp()
		}
		if err != nil && ctx.Err() == nil {
			c.failed.Add(1)
			c.recover(ctx)
		}
	}
}

func (c *soakClient) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.conn = nil
}

// call calls a method on a connection that is made where there is none.
func (c *soakClient) call(ctx context.Context, method string, args, result any) error {
	c.calls.Add(1)
	if c.conn == nil {
		conn, err := thrift.Dialer{Address: c.address}.Dial(ctx)
		if err != nil {
			return err
		}
		c.conn = conn
	}
	err := c.conn.Call(ctx, method, args, result, &soakException{}, &soakException{}, &soakException{}, &soakException{})
	if c.conn.Broken() {
		c.hangUp()
	}
	return err
}

// recover finds out what is there after a call of which nobody knows what it did.
func (c *soakClient) recover(ctx context.Context) {
	for ctx.Err() == nil {
		var tables, names []string
		err := c.call(ctx, "get_tables", &tableName{"default", c.name}, &tables)
		if err == nil && len(tables) == 1 {
			err = c.call(ctx, "get_partition_names", &tableName{"default", c.name}, &names)
		}
		if err != nil {
			c.failed.Add(1)
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		c.made, c.have = len(tables) == 1, map[string]bool{}
		for _, name := range names {
			c.have[name] = true
		}
		return
	}
}

// remake drops the client's table, if there is one, and makes it.
func (c *soakClient) remake(ctx context.Context) error {
	if c.made {
		if err := c.call(ctx, "drop_table", &tableName{"default", c.name}, nil); err != nil {
			return err
		}
		c.made, c.have = false, map[string]bool{}
	}
	table := soakTable{
		Name: c.name, DB: "default", Type: "EXTERNAL_TABLE", Parameters: map[string]string{},
		Storage: &soakStorage{Columns: []soakColumn{{"a", "int"}}, Location: "s3://lake/" + c.name},
		Keys:    []soakColumn{{"ds", "string"}, {"n", "int"}},
	}
	err := c.call(ctx, "create_table", &soakRequest[soakTable]{table}, nil)
	c.made = err == nil
	return err
}

// change adds partitions, or drops one.
func (c *soakClient) change(ctx context.Context, random *rand.Rand) error {
	if len(c.have) > 40 {
		for name := range c.have {
			var done bool
			err := c.call(ctx, "drop_partition_by_name", &struct {
				DB    string `thrift:"1"`
				Table string `thrift:"2"`
				Name  string `thrift:"3"`
			}{"default", c.name, name}, &done)
			if err == nil {
				delete(c.have, name)
			}
			return err
		}
	}
	var added []soakPartition
	names := map[string]bool{}
	for range 1 + random.IntN(8) {
		ds, n := "d"+strconv.Itoa(random.IntN(4)), strconv.Itoa(random.IntN(100))
		name := "ds=" + ds + "/n=" + n
		if !c.have[name] && !names[name] {
			names[name] = true
			added = append(added, soakPartition{Values: []string{ds, n}, DB: "default", Table: c.name, Parameters: map[string]string{}})
		}
	}
	var count int32
	if err := c.call(ctx, "add_partitions", &soakRequest[[]soakPartition]{added}, &count); err != nil {
		return err
	}
	for name := range names {
		c.have[name] = true
	}
	return nil
}

// look reads partitions by a filter and compares them with what must be there.
func (c *soakClient) look(ctx context.Context, random *rand.Rand) error {
	ds := "d" + strconv.Itoa(random.IntN(4))
	var got []soakPartition
	err := c.call(ctx, "get_partitions_by_filter", &struct {
		DB     string `thrift:"1"`
		Table  string `thrift:"2"`
		Filter string `thrift:"3"`
		Max    int16  `thrift:"4"`
	}{"default", c.name, `ds = "` + ds + `" and n >= 50`, -1}, &got)
	if err != nil {
		return err
	}
	want := 0
	for name := range c.have {
		var n int
		if _, err := fmt.Sscanf(name, "ds="+ds+"/n=%d", &n); err == nil && n >= 50 {
			want++
		}
	}
	if len(got) != want || slices.ContainsFunc(got, func(p soakPartition) bool { return !c.have["ds="+p.Values[0]+"/n="+p.Values[1]] }) {
		c.t.Errorf("%s: of %s there are %v, of %v", c.name, ds, got, c.have)
	}
	return nil
}

// commit adds one to the counter, as Iceberg commits: by compare-and-swap.
func (c *soakClient) commit(ctx context.Context) error {
	var table soakTable
	if err := c.call(ctx, "get_table", &tableName{"default", "counter"}, &table); err != nil {
		return err
	}
	old := table.Parameters["n"]
	n, err := strconv.Atoi(old)
	if err != nil {
		c.t.Errorf("the counter is %q", old)
		return nil
	}
	table.Parameters["n"] = strconv.Itoa(n + 1)
	c.begun.Add(1)
	err = c.call(ctx, "alter_table_with_environment_context", &struct {
		DB      string                         `thrift:"1"`
		Table   string                         `thrift:"2"`
		New     soakTable                      `thrift:"3"`
		Context soakRequest[map[string]string] `thrift:"4"`
	}{"default", "counter", table, soakRequest[map[string]string]{map[string]string{
		"expected_parameter_key": "n", "expected_parameter_value": old,
	}}}, nil)
	var refused *soakException
	if errors.As(err, &refused) {
		return nil // somebody else was first, or the database is away
	}
	if err == nil {
		c.commits.Add(1)
	}
	return err
}

// exclude takes the lock, which nobody else may have meanwhile, and gives it back or dies with it.
func (c *soakClient) exclude(ctx context.Context, die bool) error {
	asked := time.Now()
	var got soakLock
	if err := c.call(ctx, "lock", &soakRequest[soakLockRequest]{exclusive(c.name)}, &got); err != nil {
		return err
	}
	for patience := asked.Add(soakLease); got.State != 1 && time.Now().Before(patience); {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		asked = time.Now()
		if err := c.call(ctx, "check_lock", &soakRequest[soakLock]{soakLock{ID: got.ID}}, &got); err != nil {
			return err
		}
	}
	if got.State == 1 {
		c.mu.Lock()
		if time.Now().Before(c.holds) {
			c.t.Errorf("%s has the lock, which is %s's", c.name, c.who)
		}
		// The lease began when the lock was asked for, or later.
		c.holds, c.who = asked.Add(soakLease-soakLease/4), c.name
		c.mu.Unlock()
		c.locks.Add(1)
		if die {
			c.kills.Add(1)
			c.hangUp()
			return nil
		}
		c.mu.Lock()
		if c.who == c.name {
			c.holds = time.Time{}
		}
		c.mu.Unlock()
	}
	return c.call(ctx, "unlock", &soakRequest[soakLock]{soakLock{ID: got.ID}}, nil)
}
