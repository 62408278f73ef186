package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// The JSON forms of whole objects, in the change log and in exports.
type (
	databaseJSON struct {
		Name       string            `json:"name"`
		Comment    string            `json:"comment,omitempty"`
		Location   string            `json:"location,omitempty"`
		Owner      string            `json:"owner,omitempty"`
		OwnerType  string            `json:"owner_type,omitempty"`
		Parameters map[string]string `json:"parameters,omitempty"`
		Created    int64             `json:"created"` // microseconds since 1970
	}
	tableJSON struct {
		Database     string            `json:"database"`
		Name         string            `json:"name"`
		Type         string            `json:"type"`
		Owner        string            `json:"owner,omitempty"`
		OwnerType    string            `json:"owner_type,omitempty"`
		Created      int64             `json:"created"`
		Location     string            `json:"location,omitempty"`
		Storage      descriptorJSON    `json:"storage"`
		Keys         []columnJSON      `json:"partition_keys,omitempty"`
		Parameters   map[string]string `json:"parameters,omitempty"`
		ViewOriginal string            `json:"view_original,omitempty"`
		ViewExpanded string            `json:"view_expanded,omitempty"`
		Version      int64             `json:"version"`
	}
	// partitionJSON has the number of its descriptor in a list nearby.
	partitionJSON struct {
		Values     []string          `json:"values"`
		Storage    int               `json:"storage"`
		Location   string            `json:"location,omitempty"`
		Parameters map[string]string `json:"parameters,omitempty"`
		Created    int64             `json:"created"`
	}
	// stateJSON is a metastore.State.
	stateJSON struct {
		Database    *databaseJSON          `json:"database,omitempty"`
		Table       *tableJSON             `json:"table,omitempty"`
		Storage     []descriptorJSON       `json:"storage,omitempty"` // of the partitions
		Partitions  []partitionJSON        `json:"partitions,omitempty"`
		Function    *metastore.Function    `json:"function,omitempty"`
		Constraints []metastore.Constraint `json:"constraints,omitempty"`
		Statistics  *metastore.Statistics  `json:"statistics,omitempty"`
		Role        *metastore.Role        `json:"role,omitempty"`
		RoleGrants  []*metastore.RoleGrant `json:"role_grants,omitempty"`
		Privileges  []*metastore.Privilege `json:"privileges,omitempty"`
		Values      []string               `json:"values,omitempty"`
		Note        map[string]string      `json:"note,omitempty"`
	}
)

func encodeDatabase(d *metastore.Database) *databaseJSON {
	return &databaseJSON{d.Name, d.Comment, d.Location, d.Owner, d.OwnerType, d.Parameters, d.CreateTime.UnixMicro()}
}

func (j *databaseJSON) decode() *metastore.Database {
	return &metastore.Database{
		Name: j.Name, Comment: j.Comment, Location: j.Location, Owner: j.Owner, OwnerType: j.OwnerType,
		Parameters: orEmpty(j.Parameters), CreateTime: decodeTime(j.Created),
	}
}

func encodeTable(t *metastore.Table) *tableJSON {
	return &tableJSON{
		Database: t.Database, Name: t.Name, Type: string(t.Type), Owner: t.Owner, OwnerType: t.OwnerType,
		Created: t.CreateTime.UnixMicro(), Location: t.Storage.Location, Storage: descriptorOf(&t.Storage),
		Keys: encodeColumns(t.PartitionKeys), Parameters: t.Parameters,
		ViewOriginal: t.ViewOriginalText, ViewExpanded: t.ViewExpandedText, Version: t.Version,
	}
}

func (j *tableJSON) decode() (*metastore.Table, error) {
	storage, err := j.Storage.decode(j.Location)
	if err != nil {
		return nil, err
	}
	keys, err := decodeColumns(j.Keys)
	if err != nil {
		return nil, err
	}
	return &metastore.Table{
		TableName: metastore.TableName{Database: j.Database, Name: j.Name}, Type: metastore.TableType(j.Type),
		Owner: j.Owner, OwnerType: j.OwnerType, CreateTime: decodeTime(j.Created), Storage: storage, PartitionKeys: keys,
		Parameters: orEmpty(j.Parameters), ViewOriginalText: j.ViewOriginal, ViewExpandedText: j.ViewExpanded, Version: j.Version,
	}, nil
}

// encodePartitions fills in the partitions of a state, each descriptor once.
func (j *stateJSON) encodePartitions(ps []partition) {
	numbers := map[string]int{}
	for _, p := range ps {
		d := descriptorOf(&p.Storage)
		text := encode(d)
		n, ok := numbers[text]
		if !ok {
			n = len(j.Storage)
			numbers[text] = n
			j.Storage = append(j.Storage, d)
		}
		j.Partitions = append(j.Partitions, partitionJSON{p.Values, n, p.Storage.Location, p.Parameters, p.CreateTime.UnixMicro()})
	}
}

func (j *partitionJSON) decode(storage metastore.StorageDescriptor) *metastore.Partition {
	d := storage.Clone()
	d.Location = j.Location
	return &metastore.Partition{
		Values: j.Values, CreateTime: decodeTime(j.Created), Storage: d, Parameters: orEmpty(j.Parameters),
	}
}

// StateJSON is a state in the form in which it is kept, to be printed; nil where it is empty.
func StateJSON(s metastore.State) any {
	j := stateJSON{
		Function: s.Function, Constraints: s.Constraints, Statistics: s.Statistics, Values: s.Values, Note: s.Note,
		Role: s.Role, RoleGrants: s.RoleGrants, Privileges: s.Privileges,
	}
	if s.Database != nil {
		j.Database = encodeDatabase(s.Database)
	}
	if s.Table != nil {
		j.Table = encodeTable(s.Table)
	}
	ps := make([]partition, len(s.Partitions))
	for i, p := range s.Partitions {
		ps[i] = partition{Partition: p}
	}
	j.encodePartitions(ps)
	if encode(j) == "{}" {
		return nil
	}
	return j
}

// decodeState reads what log has written.
func decodeState(text string) (s metastore.State, err error) {
	if text == "" {
		return s, nil
	}
	var j stateJSON
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return s, fmt.Errorf("change: %w", err)
	}
	s = metastore.State{
		Function: j.Function, Constraints: j.Constraints, Statistics: j.Statistics, Values: partitions.Values(j.Values), Note: j.Note,
		Role: j.Role, RoleGrants: j.RoleGrants, Privileges: j.Privileges,
	}
	if j.Database != nil {
		s.Database = j.Database.decode()
	}
	if j.Table != nil {
		if s.Table, err = j.Table.decode(); err != nil {
			return s, err
		}
	}
	storage := make([]metastore.StorageDescriptor, len(j.Storage))
	for i := range j.Storage {
		if storage[i], err = j.Storage[i].decode(""); err != nil {
			return s, err
		}
	}
	for i := range j.Partitions {
		p := &j.Partitions[i]
		if p.Storage < 0 || p.Storage >= len(storage) {
			return s, fmt.Errorf("change: there is no storage descriptor %d", p.Storage)
		}
		s.Partitions = append(s.Partitions, p.decode(storage[p.Storage]))
	}
	return s, nil
}
