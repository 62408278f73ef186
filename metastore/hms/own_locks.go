package hms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// Locks as a Remote of ours has them, with their times, and the clock that these are of: what readers and writers
// of skep keep themselves known by. Hive's own calls for locks let nobody see a state, or choose an end.
const (
	nowMethod      = "skep_now"       // in milliseconds
	locksMethod    = "skep_locks"     // JSON
	putLockMethod  = "skep_put_lock"  // JSON; gives the id
	dropLockMethod = "skep_drop_lock" // by id
)

type putLockArgs struct {
	Lock string `thrift:"1"`
}

type dropLockArgs struct {
	ID int64 `thrift:"1"`
}

// addOwnLocks adds these methods.
func (s *Service) addOwnLocks(t *thrift.Service) {
	thrift.Handle(t, nowMethod, func(ctx context.Context, _ *noArgs) (int64, error) {
		now, err := s.clock(ctx)
		return now.UnixMilli(), err
	}, throwsM...)
	thrift.Handle(t, locksMethod, func(ctx context.Context, _ *noArgs) (string, error) {
		locks, err := s.Store.Locks(ctx)
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(locks)
		return string(text), err
	}, throwsM...)
	thrift.Handle(t, putLockMethod, func(ctx context.Context, a *putLockArgs) (id int64, err error) {
		var l metastore.Lock
		if err := json.Unmarshal([]byte(a.Lock), &l); err != nil {
			return 0, metaf("a lock that is no JSON: %v", err)
		}
		err = s.Store.Update(ctx, func(tx metastore.Tx) error {
			one := l
			id, err = tx.PutLock(ctx, &one)
			return err
		})
		return id, lost(err, l.ID)
	}, &noSuchLock{}, &metaException{})
	thrift.Handle(t, dropLockMethod, func(ctx context.Context, a *dropLockArgs) (thrift.Void, error) {
		err := s.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropLock(ctx, a.ID) })
		return thrift.Void{}, lost(err, a.ID)
	}, &noSuchLock{}, &metaException{})
}

// clock is the time of the store, or else of this machine.
func (s *Service) clock(ctx context.Context) (time.Time, error) {
	if c, ok := s.Store.(metastore.Clock); ok {
		return c.Now(ctx)
	}
	return time.Now(), nil
}

// lockError is what an error of these methods means. Another metastore has none of them.
func lockError(op, object string, err error) error {
	var none *noSuchLock
	switch {
	case err == nil:
		return nil
	case unknown(err):
		return unsupported(op, object, "a lock with its times")
	case errors.As(err, &none):
		err = metastore.ErrNoSuchLock
	}
	return failed(op, object, err)
}

// Now implements metastore.Clock, where the other side is ours.
func (r *Remote) Now(ctx context.Context) (time.Time, error) {
	var ms int64
	err := r.pooled(ctx, nowMethod, &noArgs{}, &ms, throwsM)
	return time.UnixMilli(ms), lockError("ask for the time", "", err)
}

// Locks implements metastore.Reader.
func (r reader) Locks(ctx context.Context) ([]*metastore.Lock, error) {
	var text string
	var locks []*metastore.Lock
	err := r.call(ctx, locksMethod, &noArgs{}, &text, throwsM)
	if err == nil {
		err = json.Unmarshal([]byte(text), &locks)
	}
	return locks, lockError("list locks", "", err)
}

// PutLock implements metastore.Tx.
func (x *remoteTx) PutLock(ctx context.Context, l *metastore.Lock) (id int64, err error) {
	text, err := json.Marshal(l)
	if err == nil {
		err = x.call(ctx, putLockMethod, &putLockArgs{string(text)}, &id, []error{&noSuchLock{}, &metaException{}})
	}
	return id, lockError("put lock", fmt.Sprint(l.ID), err)
}

// DropLock implements metastore.Tx.
func (x *remoteTx) DropLock(ctx context.Context, id int64) error {
	err := x.call(ctx, dropLockMethod, &dropLockArgs{id}, nil, []error{&noSuchLock{}, &metaException{}})
	return lockError("drop lock", fmt.Sprint(id), err)
}
