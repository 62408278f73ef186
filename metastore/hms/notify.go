package hms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// addNotifications adds the methods by which others follow what happens: the change log of the
// metastore, an event for each entry.
func (s *Service) addNotifications(t *thrift.Service) {
	thrift.Handle(t, "get_current_notificationEventId", func(ctx context.Context, _ *noArgs) (*currentNotificationEventId, error) {
		id, err := s.store(ctx).LastChange(ctx)
		return &currentNotificationEventId{id}, err
	})
	thrift.Handle(t, "get_next_notification", func(ctx context.Context, a *requestArgs[notificationEventRequest]) (*eventList, error) {
		spool := thrift.NewSpool[*notificationEvent](ctx)
		tables := map[metastore.TableName]*metastore.Table{}
		for c, err := range s.store(ctx).Changes(ctx, a.Request.LastEvent) {
			if err != nil {
				return nil, err
			}
			e, err := s.event(c, s.tableOf(ctx, c, tables))
			if err != nil {
				return nil, err
			}
			if slices.Contains(a.Request.EventTypeSkipList, e.EventType) {
				continue
			}
			if err := spool.Add(e); err != nil {
				return nil, err
			}
			if n := a.Request.MaxEvents; n > 0 && spool.Len() == int(n) {
				break
			}
		}
		return &eventList{spool}, nil
	})
	thrift.Handle(t, "get_notification_events_count", func(ctx context.Context, a *requestArgs[notificationEventsCountRequest]) (*notificationEventsCountResponse, error) {
		r := a.Request
		db, err := databaseName(r.DbName)
		if err != nil {
			return nil, err
		}
		out := &notificationEventsCountResponse{}
		for c, err := range s.store(ctx).Changes(ctx, r.FromEventID) {
			if err != nil {
				return nil, err
			}
			if r.ToEventID > 0 && c.ID > r.ToEventID || r.Limit > 0 && out.EventsCount >= r.Limit {
				break
			}
			if db == "" || db == "*" || c.Object.Database == db {
				out.EventsCount++
			}
		}
		return out, nil
	})
	thrift.Handle(t, "fire_listener_event", s.fire)
}

type eventList struct {
	Events *thrift.Spool `thrift:"1"`
}

// The names of events, which are Hive's. A change of several partitions at once, for which Hive
// has none, is one of the table: who follows reads it again.
var eventTypes = map[metastore.ChangeKind]string{
	metastore.CreatedDatabase: "CREATE_DATABASE", metastore.AlteredDatabase: "ALTER_DATABASE",
	metastore.DroppedDatabase: "DROP_DATABASE", metastore.CreatedTable: "CREATE_TABLE", metastore.AlteredTable: "ALTER_TABLE",
	metastore.DroppedTable: "DROP_TABLE", metastore.AddedPartitions: "ADD_PARTITION",
	metastore.AlteredPartitions: "ALTER_PARTITION", metastore.DroppedPartitions: "DROP_PARTITION",
	metastore.CreatedFunction: "CREATE_FUNCTION", metastore.AlteredFunction: "ALTER_FUNCTION", metastore.DroppedFunction: "DROP_FUNCTION",
	metastore.SetStatistics: "UPDATE_TABLE_COLUMN_STAT", metastore.DroppedStatistics: "DELETE_TABLE_COLUMN_STAT",
	metastore.AddedConstraints: "ADD_CONSTRAINT", metastore.DroppedConstraint: "DROP_CONSTRAINT", metastore.Noted: "INSERT",
	// Hive has no events for these; clients pass over what they do not know, but not over a number that is missing.
	metastore.CreatedRole: "CREATE_ROLE", metastore.DroppedRole: "DROP_ROLE", metastore.GrantedRole: "GRANT_ROLE",
	metastore.RevokedRole: "REVOKE_ROLE", metastore.GrantedPrivileges: "GRANT_PRIVILEGES", metastore.RevokedPrivileges: "REVOKE_PRIVILEGES",
}

// event makes the event of a change. Its message is of the format json-0.2: names, and objects as
// text in TJSON.
func (s *Service) event(c *metastore.Change, now *metastore.Table) (*notificationEvent, error) {
	e := &notificationEvent{
		EventID: c.ID, EventTime: int32(c.Time.Unix()), EventType: eventTypes[c.Kind], DbName: c.Object.Database,
		TableName: c.Object.Name, MessageFormat: "json-0.2", CatName: catalog,
	}
	m := map[string]any{
		"server": "", "servicePrincipal": "", "db": c.Object.Database, "timestamp": c.Time.Unix(),
	}
	if c.Object.Name != "" {
		m["table"] = c.Object.Name
	}
	if len(c.After.Partitions) > 1 && c.Kind == metastore.AlteredPartitions {
		e.EventType = "ALTER_TABLE"
	}
	if err := s.describe(m, c, e.EventType, now); err != nil {
		return nil, fmt.Errorf("the event %d: %w", c.ID, err)
	}
	text, err := json.Marshal(m)
	e.Message = string(text)
	return e, err
}

// describe puts the objects of a change into its message.
func (s *Service) describe(m map[string]any, c *metastore.Change, kind string, now *metastore.Table) error {
	put := func(name string, v any) (err error) {
		m[name], err = tjson(v)
		return err
	}
	table := c.After.Table
	if table == nil {
		table = c.Before.Table
	}
	if table == nil && kind == "ALTER_TABLE" {
		table = now
	}
	switch {
	case table != nil && kind == "ALTER_TABLE":
		before := c.Before.Table
		if before == nil {
			before = table
		}
		m["tableType"] = string(table.Type)
		if err := put("tableObjBeforeJson", wireTable(before)); err != nil {
			return err
		}
		return put("tableObjAfterJson", wireTable(table))
	case len(c.After.Partitions)+len(c.Before.Partitions) > 0:
		return describePartitions(m, c, now)
	case table != nil:
		m["tableType"] = string(table.Type)
		return put("tableObjJson", wireTable(table))
	case c.After.Database != nil && kind == "ALTER_DATABASE":
		if err := put("dbJson", wireDatabase(c.After.Database, s.location(c.After.Database))); err != nil {
			return err
		}
		if c.Before.Database == nil {
			return nil
		}
		return put("dbBeforeJson", wireDatabase(c.Before.Database, s.location(c.Before.Database)))
	case c.After.Database != nil:
		return put("dbJson", wireDatabase(c.After.Database, s.location(c.After.Database)))
	case c.After.Function != nil:
		m["functionName"] = c.After.Function.Name
		return put("functionObjJson", wireFunction(c.After.Function))
	case c.After.Note != nil:
		m["files"] = []string{}
		m["replace"] = c.After.Note["replace"]
	}
	return nil
}

// tableOf finds the table of a change of partitions as it is now; nil where there is none any more.
func (s *Service) tableOf(
	ctx context.Context, c *metastore.Change, known map[metastore.TableName]*metastore.Table,
) *metastore.Table {
	if len(c.After.Partitions)+len(c.Before.Partitions) == 0 {
		return nil
	}
	if t, ok := known[c.Object]; ok {
		return t
	}
	t, err := s.store(ctx).Table(ctx, c.Object)
	if err != nil {
		t = nil // it is gone, or renamed; the partitions say enough
	}
	known[c.Object] = t
	return t
}

// specOf names the values of a partition: by the keys of the table or, where that is gone, by
// the directory of the partition.
func specOf(t *metastore.Table, p *metastore.Partition) map[string]string {
	spec := map[string]string{}
	var names []string
	if t != nil {
		names = t.Keys().Names()
	} else if dirs := strings.Split(p.Storage.Location, "/"); len(dirs) > len(p.Values) {
		for _, dir := range dirs[len(dirs)-len(p.Values):] {
			name, _, _ := strings.Cut(dir, "=")
			names = append(names, name)
		}
	}
	for i, v := range p.Values {
		if i < len(names) {
			spec[names[i]] = v
		}
	}
	return spec
}

func describePartitions(m map[string]any, c *metastore.Change, now *metastore.Table) error {
	table := now
	list := c.After.Partitions
	if len(list) == 0 {
		list = c.Before.Partitions
	}
	if table == nil {
		table = &metastore.Table{TableName: c.Object}
	} else if text, err := tjson(wireTable(table)); err == nil {
		m["tableObjJson"], m["tableType"] = text, string(table.Type)
	}
	var objects []string
	var specs []map[string]string
	for _, p := range list {
		text, err := tjson(wirePartition(table.TableName, p))
		if err != nil {
			return err
		}
		objects = append(objects, text)
		specs = append(specs, specOf(now, p))
	}
	m["partitionListJson"], m["partitions"] = objects, specs
	if c.Kind == metastore.AlteredPartitions && len(list) == 1 {
		m["partitionObjAfterJson"], m["keyValues"] = objects[0], specs[0]
		if len(c.Before.Partitions) == 1 {
			text, err := tjson(wirePartition(table.TableName, c.Before.Partitions[0]))
			m["partitionObjBeforeJson"] = text
			return err
		}
	}
	return nil
}

// The event that clients fire when they have written files. Hive 2 has the list of files where
// Hive 3 has replace; both are read, and only replace is kept.
type fireEvent struct {
	Successful bool `thrift:"1"`
	Data       *struct {
		Insert *insertData   `thrift:"1"`
		Many   []*insertData `thrift:"2"`
	} `thrift:"2"`
	DB         string   `thrift:"3"`
	Table      string   `thrift:"4"`
	Partition  []string `thrift:"5"`
	CatalogDot string   `thrift:"6"`
}

type insertData struct {
	Replace   bool     `thrift:"1"`
	Partition []string `thrift:"5"`
}

func (s *Service) fire(ctx context.Context, a *requestArgs[fireEvent]) (*fired, error) {
	r := a.Request
	name, err := tableName(r.DB, r.Table)
	if err != nil {
		return nil, err
	}
	t, err := s.stored(ctx, r.DB, r.Table)
	if err != nil {
		return nil, err
	}
	notes := []partitions.Values{r.Partition}
	note := map[string]string{"event": "INSERT", "replace": "false"}
	if r.Data != nil {
		if r.Data.Insert != nil {
			note["replace"] = strconv.FormatBool(r.Data.Insert.Replace)
		}
		for i, d := range r.Data.Many {
			if i == 0 {
				notes = nil
			}
			notes = append(notes, d.Partition)
		}
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		for _, v := range notes {
			if len(v) == 0 {
				v = nil
			}
			if err := s.written(ctx, tx, t, v); err != nil {
				return err
			}
			if err := tx.Note(ctx, name, v, maps.Clone(note)); err != nil {
				return err
			}
		}
		return nil
	})
	return &fired{}, err
}

type fired struct {
	IDs []int64 `thrift:"1"`
}

// written ends the statistics of what a client says it has written to.
func (s *Service) written(ctx context.Context, tx metastore.Tx, t *metastore.Table, v partitions.Values) error {
	if v == nil && t.Partitioned() {
		return nil // it does not say where
	}
	err := tx.DropStatistics(ctx, t.TableName, v)
	if errors.Is(err, metastore.ErrNoSuchPartition) || errors.Is(err, metastore.ErrInvalid) {
		return nil
	}
	return err
}
