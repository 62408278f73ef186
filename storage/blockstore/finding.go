package blockstore

import "fmt"

// FindingKind is what is wrong.
type FindingKind string

// The kinds of findings.
const (
	NamespaceDamaged FindingKind = "namespace damaged" // SQLite finds the database inconsistent
	DiskMissing      FindingKind = "disk missing"
	DiskReadOnly     FindingKind = "disk read-only"
	BlockMissing     FindingKind = "block missing"    // a replica whose file is not there
	BlockDamaged     FindingKind = "block damaged"    // a replica of another size or with other bytes
	UnderReplicated  FindingKind = "under-replicated" // fewer good replicas than there should be
	ContentDamaged   FindingKind = "content damaged"  // the namespace does not agree with itself on an object
	Orphan           FindingKind = "orphan"           // a file that no block has
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind        FindingKind
	Volume, Key string // of the object; empty where it is about none
	Snapshot    bool   // the object is one that only snapshots have
	Block       int64  // 0 where it is about none
	Disk        int64
	Path        string // of the file
	Offset      int64  // in the block, of the first chunk that is damaged
	Detail      string
	// Lost says that no good replica is left: the object cannot be read.
	Lost bool
}

func (f Finding) String() string {
	text := string(f.Kind)
	if f.Key != "" {
		text += fmt.Sprintf(": block://%s/%s", f.Volume, f.Key)
	}
	if f.Block != 0 {
		text += fmt.Sprintf(", block %x", f.Block)
	}
	if f.Disk != 0 {
		text += fmt.Sprintf(" on disk %d", f.Disk)
	}
	if f.Path != "" {
		text += " (" + f.Path + ")"
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	if f.Lost {
		text += "; no good replica is left"
	}
	return text
}
