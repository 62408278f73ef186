package hms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// Locks are leases: a client that sends no heartbeat for this long has lost its lock.
const defaultLease = 5 * time.Minute

type (
	noSuchLock struct {
		Message string `thrift:"1"`
	}
	noSuchTxn struct {
		Message string `thrift:"1"`
	}
	txnAborted struct {
		Message string `thrift:"1"`
	}
	txnOpen struct {
		Message string `thrift:"1"`
	}
)

func (e *noSuchLock) Error() string { return e.Message }
func (e *noSuchTxn) Error() string  { return e.Message }
func (e *txnAborted) Error() string { return e.Message }
func (e *txnOpen) Error() string    { return e.Message }

// The numbers of locks on the wire.
var (
	lockTypes  = map[string]int32{"SHARED_READ": 1, "SHARED_WRITE": 2, "EXCLUSIVE": 3, "EXCL_WRITE": 4}
	lockLevels = map[string]int32{"DB": 1, "TABLE": 2, "PARTITION": 3}
	lockStates = map[string]int32{"ACQUIRED": 1, "WAITING": 2}
)

const acquired, waiting = "ACQUIRED", "WAITING"

// addLocks adds the methods for locks. One that comes with a transaction ends with it.
func (s *Service) addLocks(t *thrift.Service) {
	thrift.Handle(t, "lock", s.lock, &noSuchTxn{}, &txnAborted{})
	thrift.Handle(t, "check_lock", func(ctx context.Context, a *requestArgs[checkLockRequest]) (*lockResponse, error) {
		l, err := s.touch(ctx, a.Request.Lockid, true)
		if err != nil {
			return nil, err
		}
		return &lockResponse{Lockid: l.ID, State: lockStates[l.State]}, nil
	}, &noSuchTxn{}, &txnAborted{}, &noSuchLock{})
	thrift.Handle(t, "heartbeat", func(ctx context.Context, a *requestArgs[heartbeatRequest]) (thrift.Void, error) {
		if a.Request.Txnid != 0 {
			err := s.withTxns(ctx, func(ctx context.Context, all *txns) error { return all.beat(ctx, a.Request.Txnid) })
			if err != nil {
				return thrift.Void{}, err
			}
		}
		if a.Request.Lockid == 0 {
			return thrift.Void{}, nil
		}
		_, err := s.touch(ctx, a.Request.Lockid, false)
		return thrift.Void{}, err
	}, &noSuchLock{}, &noSuchTxn{}, &txnAborted{})
	thrift.Handle(t, "unlock", func(ctx context.Context, a *requestArgs[unlockRequest]) (thrift.Void, error) {
		err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
			locks, err := s.living(ctx, tx)
			if err != nil {
				return err
			}
			for _, l := range locks {
				if l.ID == a.Request.Lockid && l.Txn != 0 {
					return &txnOpen{fmt.Sprintf("Unlocking locks associated with transaction not permitted.  lockid:%d %s", l.ID, txnText(l.Txn))}
				}
			}
			return tx.DropLock(ctx, a.Request.Lockid)
		})
		return thrift.Void{}, lost(err, a.Request.Lockid)
	}, &noSuchLock{}, &txnOpen{})
	thrift.Handle(t, "show_locks", s.showLocks)
}

func lost(err error, id int64) error {
	if errors.Is(err, metastore.ErrNoSuchLock) {
		return &noSuchLock{fmt.Sprintf("No such lock lockid:%d", id)}
	}
	return err
}

func (s *Service) lease() time.Duration {
	if s.Lease > 0 {
		return s.Lease
	}
	return defaultLease
}

func (s *Service) lock(ctx context.Context, a *requestArgs[lockRequest]) (*lockResponse, error) {
	r := a.Request
	wanted := &metastore.Lock{User: r.User, Host: r.Hostname, Agent: r.AgentInfo, Txn: max(0, r.Txnid)}
	if wanted.Agent == "" {
		wanted.Agent = "Unknown"
	}
	for _, c := range r.Component {
		db, err := databaseName(c.Dbname)
		if err != nil {
			return nil, err
		}
		wanted.Components = append(wanted.Components, metastore.LockComponent{
			Type: nameOf(lockTypes, c.Type), Level: nameOf(lockLevels, c.Level), Database: db,
			Table: strings.ToLower(c.Tablename), Partition: c.Partitionname,
		})
	}
	if len(wanted.Components) == 0 {
		return nil, metaf("a lock of nothing")
	}
	out := &lockResponse{}
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		l := *wanted
		if l.Txn != 0 {
			all, err := s.txns(ctx, tx)
			if err != nil {
				return err
			}
			if err := all.beat(ctx, l.Txn); err != nil {
				return err
			}
		}
		others, err := s.living(ctx, tx)
		if err != nil {
			return err
		}
		s.grant(&l, others)
		if out.Lockid, err = tx.PutLock(ctx, &l); err != nil {
			return err
		}
		out.State = lockStates[l.State]
		return nil
	})
	return out, err
}

// touch renews a lease and, if it is told to, sees whether a waiting lock can be had now.
func (s *Service) touch(ctx context.Context, id int64, grant bool) (*metastore.Lock, error) {
	var found *metastore.Lock
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		found = nil
		all, err := s.living(ctx, tx)
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.ID == id {
				found = l
			}
		}
		if found == nil {
			return metastore.ErrNoSuchLock
		}
		if state := found.State; grant && state == waiting {
			s.grant(found, all)
		}
		found.Heartbeat = s.Now()
		found.Expires = found.Heartbeat.Add(s.lease())
		if _, err = tx.PutLock(ctx, found); err != nil || found.Txn == 0 {
			return err
		}
		txns, err := s.txns(ctx, tx)
		if err != nil {
			return err
		}
		return txns.beat(ctx, found.Txn)
	})
	return found, lost(err, id)
}

// living lists the locks that have not expired, and removes the others.
func (s *Service) living(ctx context.Context, tx metastore.Tx) ([]*metastore.Lock, error) {
	all, err := tx.Locks(ctx)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	var living []*metastore.Lock
	for _, l := range all {
		if l.Expires.After(now) {
			living = append(living, l)
			continue
		}
		if err := tx.DropLock(ctx, l.ID); err != nil {
			return nil, err
		}
	}
	return living, nil
}

// grant decides whether a lock is acquired or waits: for those that are held, and for those that
// came before it.
func (s *Service) grant(l *metastore.Lock, others []*metastore.Lock) {
	l.Heartbeat = s.Now()
	l.Expires = l.Heartbeat.Add(s.lease())
	l.State = acquired
	for _, other := range others {
		before := l.ID == 0 || other.ID < l.ID
		if l.Txn != 0 && l.Txn == other.Txn {
			continue
		}
		if other.ID != l.ID && (before || other.State == acquired) && conflict(l, other) {
			l.State = waiting
			return
		}
	}
	l.Acquired = l.Heartbeat
}

func conflict(a, b *metastore.Lock) bool {
	for _, x := range a.Components {
		for _, y := range b.Components {
			if x.Database == y.Database && overlap(x.Table, y.Table) && overlap(x.Partition, y.Partition) &&
				!compatible(x.Type, y.Type) {
				return true
			}
		}
	}
	return false
}

// overlap compares the names of what is locked; no name is all of them.
func overlap(a, b string) bool { return a == "" || b == "" || a == b }

// compatible says which locks can be held at once: reading with all but EXCLUSIVE, writing with
// reading only.
func compatible(a, b string) bool {
	if a == "EXCLUSIVE" || b == "EXCLUSIVE" {
		return false
	}
	return a == "SHARED_READ" || b == "SHARED_READ"
}

// Reap removes the locks of clients that have gone without unlocking, and ends their transactions. They are void without it,
// but stay in the store.
func (s *Service) Reap(ctx context.Context) error {
	if s.ReadOnly {
		return nil
	}
	locks, err := s.store(ctx).Locks(ctx)
	if err != nil {
		return err
	}
	open, _, err := s.store(ctx).Txns(ctx)
	if err != nil || len(locks)+len(open) == 0 {
		return err
	}
	return s.store(ctx).Update(ctx, func(tx metastore.Tx) error {
		if _, err := s.living(ctx, tx); err != nil {
			return err
		}
		_, err := s.txns(ctx, tx)
		return err
	})
}

func (s *Service) showLocks(ctx context.Context, a *requestArgs[showLocksRequest]) (*showLocksResponse, error) {
	r := a.Request
	db, err := databaseName(r.Dbname)
	if err != nil {
		return nil, err
	}
	all, err := s.store(ctx).Locks(ctx)
	if err != nil {
		return nil, err
	}
	out := &showLocksResponse{Locks: []*showLocksResponseElement{}}
	for _, l := range all {
		if !l.Expires.After(s.Now()) {
			continue
		}
		for i, c := range l.Components {
			if db != "" && c.Database != db || r.Tablename != "" && !strings.EqualFold(c.Table, r.Tablename) ||
				r.Partname != "" && c.Partition != r.Partname || r.Txnid != 0 && l.Txn != r.Txnid {
				continue
			}
			e := &showLocksResponseElement{
				Lockid: l.ID, Dbname: c.Database, Tablename: c.Table, Partname: c.Partition, State: lockStates[l.State],
				Type: lockTypes[c.Type], Lastheartbeat: l.Heartbeat.UnixMilli(), User: l.User, Hostname: l.Host,
				AgentInfo: l.Agent, LockIdInternal: int64(i + 1), Txnid: l.Txn,
			}
			if l.State == acquired {
				e.Acquiredat = l.Acquired.UnixMilli()
			}
			out.Locks = append(out.Locks, e)
		}
	}
	return out, nil
}
