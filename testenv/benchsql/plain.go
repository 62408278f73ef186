package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// plain is a DuckDB in this process and in memory.
type plain struct {
	db   duckdb.Database
	conn duckdb.Connection
}

func openPlain(threads int) (*plain, error) {
	var c duckdb.Config
	if duckdb.CreateConfig(&c) == duckdb.StateError {
		return nil, errors.New("DuckDB has no memory left")
	}
	defer duckdb.DestroyConfig(&c)
	for name, value := range map[string]string{
		"threads": strconv.Itoa(threads), "allow_unsigned_extensions": "true", "autoinstall_known_extensions": "false",
	} {
		if duckdb.SetConfig(c, name, value) == duckdb.StateError {
			return nil, fmt.Errorf("DuckDB does not accept %s = %s", name, value)
		}
	}
	p := &plain{}
	var text string
	if duckdb.OpenExt(":memory:", &p.db, c, &text) == duckdb.StateError {
		return nil, fmt.Errorf("DuckDB does not start: %s", text)
	}
	if duckdb.Connect(p.db, &p.conn) == duckdb.StateError {
		duckdb.Close(&p.db)
		return nil, errors.New("DuckDB accepts no connection")
	}
	return p, nil
}

func (p *plain) close() {
	duckdb.Disconnect(&p.conn)
	duckdb.Close(&p.db)
}

// run runs a query and reads all its rows, of which it counts the chunks.
func (p *plain) run(sql string) error {
	return p.each(sql, func(duckdb.DataChunk) {})
}

// rows runs a query and returns its rows as text; NULL is "NULL".
func (p *plain) rows(sql string) ([][]string, error) {
	var rows [][]string
	sql = strings.TrimRight(strings.TrimSpace(sql), ";")
	err := p.each("SELECT COLUMNS(*)::VARCHAR FROM ("+sql+")", func(chunk duckdb.DataChunk) {
		first, n := len(rows), int(duckdb.DataChunkGetSize(chunk))
		rows = append(rows, make([][]string, n)...)
		for c := range duckdb.DataChunkGetColumnCount(chunk) {
			for i, s := range texts(duckdb.DataChunkGetVector(chunk, c), n) {
				rows[first+i] = append(rows[first+i], s)
			}
		}
	})
	return rows, err
}

// texts are the values of a vector of VARCHAR.
func texts(v duckdb.Vector, n int) []string {
	values := unsafe.Slice((*duckdb.StringT)(duckdb.VectorGetData(v)), n)
	valid := duckdb.VectorGetValidity(v)
	list := make([]string, n)
	for i := range values {
		list[i] = "NULL"
		if valid == nil || duckdb.ValidityRowIsValid(valid, duckdb.IdxT(i)) {
			list[i] = strings.Clone(duckdb.StringTData(&values[i]))
		}
	}
	return list
}

func (p *plain) each(sql string, f func(duckdb.DataChunk)) error {
	var r duckdb.Result
	state := duckdb.Query(p.conn, sql, &r)
	defer duckdb.DestroyResult(&r)
	if state == duckdb.StateError {
		return errors.New(duckdb.ResultError(&r))
	}
	for {
		chunk := duckdb.FetchChunk(r)
		if chunk.Ptr == nil {
			return nil
		}
		f(chunk)
		duckdb.DestroyDataChunk(&chunk)
	}
}

// quoted is a string as a literal of SQL.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
