package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// What EXPORT writes, and IMPORT reads, is Hive's: the files of a table without partition keys in
// data/, those of a partition in key=value/, and _metadata, which says what they are.
const (
	dumpName = "_metadata"
	dumpData = "data"
)

// An export that is being written is recorded on the database of the table: skep.write.ID = exporting. Without
// _metadata, what it has left is removed by the next write in the database, or the next EXPORT to the place.
const stateExporting = "exporting"

// export runs EXPORT TABLE: the files are copied as they are, under names with the id of the export, and
// _metadata comes last. A directory without it is no export, so one that was broken off is none.
func (s *Session) export(ctx context.Context, r *Result, n *syntax.Export) error {
	t, err := s.dataTable(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10121, "Export/Import cannot be done for a non-native table. %s is a view", t.Name)
	}
	url, err := s.canonical(ctx, n.Path)
	if err != nil {
		return err
	}
	_ = s.vacuumStaging(ctx, false, &Vacuumed{}) // what cannot be removed is no reason not to write
	to, err := s.exportPlace(ctx, t, url, n)
	if err != nil {
		return err
	}
	return s.replanning(ctx, func() error {
		t, err := s.dataTable(ctx, &n.Table)
		if err != nil {
			return err
		}
		lease := s.lease(ctx, []metastore.TableName{t.TableName})
		defer lease.end()
		found, err := s.exported(ctx, t, n.Partition)
		if err != nil {
			return err
		}
		id, claim, err := s.beginExport(ctx, t, url, to, n)
		if err != nil {
			return err
		}
		if err := s.exportTo(ctx, r, t, found, claim); err != nil {
			s.undoExport(ctx, t.Database, url, claim)
			return err
		}
		if err := claim.end(ctx); err != nil {
			return fmt.Errorf("the table is exported, but a hidden file is left that marks the place: %w", err)
		}
		if err := s.forgetIntent(ctx, t.Database, id); err != nil {
			return fmt.Errorf("the table is exported, but the metastore still has a note that it is going to be; "+
				"a later write to that database, or hiveql vacuum, removes it: %w", err)
		}
		return nil
	})
}

// exportPlace is where an export goes: to a directory without visible files, not of the table itself.
func (s *Session) exportPlace(ctx context.Context, t *metastore.Table, url string, n *syntax.Export) (storage.Location, error) {
	to, err := s.cfg.directory(ctx, url)
	if err != nil {
		return to, err
	}
	if own := t.Storage.Location + "/"; strings.HasPrefix(url+"/", own) || strings.HasPrefix(own, url+"/") {
		return to, semantic(n, 10027, "Invalid path: %s and the table's own place, %s, are in one another", url, t.Storage.Location)
	}
	empty, err := visiblyEmpty(ctx, to)
	if err == nil && !empty {
		if err = s.recoverExports(ctx, url); err == nil {
			empty, err = visiblyEmpty(ctx, to)
		}
	}
	if err == nil && !empty {
		var claimed bool
		if claimed, err = isClaimed(ctx, to); err == nil && !claimed { // otherwise it is seen when the claims have been
			err = notEmpty(n, url)
		}
	}
	return to, err
}

// recoverExports takes back what killed EXPORTs, of tables of any database, have left at a place.
func (s *Session) recoverExports(ctx context.Context, url string) error {
	names, err := s.cfg.Store.Databases(ctx, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		d, err := s.cfg.Store.Database(ctx, name)
		if errors.Is(err, metastore.ErrNoSuchDatabase) {
			continue
		}
		if err != nil {
			return err
		}
		for _, i := range intentsOf(d) {
			if i.place != url || i.state != stateExporting {
				continue
			}
			gone, certain := s.abandoned(ctx, i.by)
			if !gone {
				continue
			}
			if err := s.recoverAbandoned(ctx, name, i, certain); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginExport records an export and claims its place. Of what an older one has left, _metadata goes: it would be
// taken for that of this one.
func (s *Session) beginExport(
	ctx context.Context, t *metastore.Table, url string, to storage.Location, n *syntax.Export,
) (string, *claim, error) {
	id, taken := newWriteID(t.Version+1), false
	record := s.intentText(ctx, stateExporting, url)
	err := s.changeIntents(ctx, t.Database, func(p map[string]string) {
		if taken = s.copiesTo(ctx, p, url); !taken {
			p[writeParam+id] = record
		}
	})
	if taken {
		return "", nil, underWay(n, url)
	}
	if err != nil {
		return "", nil, err
	}
	c, ok, err := s.claimPlace(ctx, to, id)
	if err == nil && !ok {
		err = underWay(n, url)
	}
	if err == nil {
		// Another may have ended between the first look and the claim.
		if ok, err = visiblyEmpty(ctx, to); err == nil && !ok {
			err = notEmpty(n, url)
		}
	}
	if err == nil {
		err = s.removeNamed(ctx, url, dumpName)
	}
	if err != nil {
		if c != nil {
			_ = c.end(context.WithoutCancel(ctx)) // whoever finds it later finds that this process has ended
		}
		_ = s.forgetIntent(context.WithoutCancel(ctx), t.Database, id) // it does no harm
		return "", nil, err
	}
	return id, c, nil
}

func underWay(n *syntax.Export, url string) error {
	return semantic(n, 10027, "Invalid path: another EXPORT to %s is under way", url)
}

func notEmpty(n *syntax.Export, url string) error {
	return semantic(n, 10027, "Invalid path: Target is not an empty directory : %s", url)
}

// undoExport removes what a failed export has left, or leaves that to others. Where its claim is another's by now,
// so is _metadata.
func (s *Session) undoExport(ctx context.Context, db, url string, c *claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	c.stop()
	err := c.held(ctx)
	switch {
	case err == nil:
		err = c.to.Bucket.Delete(ctx, c.to.Prefix+dumpName)
	case errors.Is(err, storage.ErrNotExist):
		err = s.removeFilesOf(ctx, url, c.id)
	}
	if err == nil && s.finishExport(ctx, db, c.id, url) == nil {
		return
	}
	_ = s.changeIntents(ctx, db, func(p map[string]string) { p[writeParam+c.id] = stateExporting + " " + ownerless + " at " + url })
}

// finishExport ends an export: one without _metadata is taken back.
func (s *Session) finishExport(ctx context.Context, db, id, url string) error {
	to, err := s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	if err := s.endExport(ctx, to, id); err != nil {
		return err
	}
	return s.forgetIntent(ctx, db, id)
}

// endExport does that at the place, where the claim goes last.
func (s *Session) endExport(ctx context.Context, to storage.Location, id string) error {
	_, err := to.Bucket.Stat(ctx, to.Prefix+dumpName)
	whole := err == nil
	if errors.Is(err, storage.ErrNotExist) {
		err = s.removeFilesOf(ctx, to.URL(), id)
	}
	if err == nil {
		err = to.Bucket.Delete(ctx, to.Prefix+claimPrefix+id)
	}
	if err != nil || whole {
		return err
	}
	return removeDirs(ctx, to.Bucket, to.Prefix)
}

// visiblyEmpty reports whether there are only hidden files at a location.
func visiblyEmpty(ctx context.Context, loc storage.Location) (bool, error) {
	for o, err := range within(ctx, loc) {
		if err != nil {
			return false, err
		}
		if name := o.Key[len(loc.Prefix):]; !strings.HasSuffix("/"+name, "/") && !partitions.Hidden(name) {
			return false, nil
		}
	}
	return true, nil
}

// exported finds the files of a table, or of the partitions that spec chooses.
func (s *Session) exported(ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec) ([]PartitionFiles, error) {
	found := []PartitionFiles{{Storage: &t.Storage}}
	if t.Partitioned() || spec != nil {
		var match partitions.Predicate
		var err error
		if spec != nil {
			if match, err = s.specPredicate(t, spec); err != nil {
				return nil, err
			}
		}
		found = nil
		for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, match) {
			if err != nil {
				return nil, err
			}
			found = append(found, PartitionFiles{Partition: p, Storage: &p.Storage})
		}
		if spec != nil && len(found) == 0 {
			return nil, semantic(spec, 10006, "Partition not found %s", syntax.Print(spec))
		}
	}
	l := newLister(s.cfg, t)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.Parallel)
	for i := range found {
		p := &found[i]
		g.Go(func() (err error) {
			params := t.Parameters
			if p.Partition != nil {
				params = p.Partition.Parameters
			}
			p.Files, err = l.files(gctx, p.Storage.Location, params)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	now, err := tableNow(ctx, s.cfg.Store, t.TableName)
	if err != nil {
		return nil, err
	}
	return found, verify(t, now, found)
}

// exportTo copies files and writes _metadata, where the place is still its own then.
func (s *Session) exportTo(ctx context.Context, r *Result, t *metastore.Table, found []PartitionFiles, c *claim) error {
	to := c.to
	all := make([]delivery, len(found))
	for i, p := range found {
		dir := dumpData
		if p.Partition != nil {
			var err error
			if dir, err = t.Keys().Name(p.Partition.Values); err != nil {
				return err
			}
		}
		from, err := s.cfg.directory(ctx, p.Storage.Location)
		if err != nil {
			return err
		}
		all[i] = delivery{files: p.Files, url: to.URL() + dir, root: &from.Prefix}
		for _, f := range p.Files {
			r.counts.filesWritten.Add(1)
			r.counts.bytesWritten.Add(f.Object.Size)
		}
	}
	if err := s.copyFiles(ctx, c.id, all...); err != nil {
		return err
	}
	if err := c.held(ctx); err != nil {
		return err
	}
	if err := writeDump(ctx, t, found, to); err != nil {
		return err
	}
	r.say("Copying data from " + t.Storage.Location + " to " + strings.TrimSuffix(to.URL(), "/"))
	return nil
}

// writeDump writes _metadata.
func writeDump(ctx context.Context, t *metastore.Table, found []PartitionFiles, to storage.Location) error {
	w, err := to.Bucket.Create(ctx, to.Prefix+dumpName, storage.CreateOptions{Durable: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	ps := func(yield func(*metastore.Partition, error) bool) {
		for _, p := range found {
			if p.Partition == nil {
				continue
			}
			one := *p.Partition
			one.Parameters = withoutColumnStats(one.Parameters)
			if !yield(&one, nil) {
				return
			}
		}
	}
	t = t.Clone()
	t.Parameters = withoutColumnStats(t.Parameters)
	if err := hms.WriteDump(w, t, ps); err != nil {
		return err
	}
	_, err = w.Commit()
	return err
}

// withoutColumnStats are parameters that call no statistics of columns accurate: those stay behind, as in
// Hive, which would take them to be there.
func withoutColumnStats(params map[string]string) map[string]string {
	a := accuracyOf(params)
	if len(a.Columns) == 0 {
		return params
	}
	params = maps.Clone(params)
	delete(params, accurateParam)
	if a.Basic == "true" {
		setAccurate(&params, nil)
	}
	return params
}
