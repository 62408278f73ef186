package hms

import (
	"context"
	"errors"
	"fmt"

	"github.com/skepdata/skep/metastore"
)

// The exceptions of the Hive Metastore. Each has a message and nothing else.
type (
	metaException struct {
		Message string `thrift:"1"`
	}
	noSuchObject struct {
		Message string `thrift:"1"`
	}
	alreadyExists struct {
		Message string `thrift:"1"`
	}
	invalidObject struct {
		Message string `thrift:"1"`
	}
	invalidOperation struct {
		Message string `thrift:"1"`
	}
	invalidInput struct {
		Message string `thrift:"1"`
	}
	unknownDB struct {
		Message string `thrift:"1"`
	}
	unknownTable struct {
		Message string `thrift:"1"`
	}
	configSecurity struct {
		Message string `thrift:"1"`
	}
)

func (e *metaException) Error() string    { return e.Message }
func (e *noSuchObject) Error() string     { return e.Message }
func (e *alreadyExists) Error() string    { return e.Message }
func (e *invalidObject) Error() string    { return e.Message }
func (e *invalidOperation) Error() string { return e.Message }
func (e *invalidInput) Error() string     { return e.Message }
func (e *unknownDB) Error() string        { return e.Message }
func (e *unknownTable) Error() string     { return e.Message }
func (e *configSecurity) Error() string   { return e.Message }

// What methods declare to throw, by the order of their fields. The names are short for: Meta,
// No such object, Already exists, invalid Object, invalid oPeration, invalid Input, unknown Db,
// unknown Table.
var (
	throwsM    = []error{&metaException{}}
	throwsMN   = []error{&metaException{}, &noSuchObject{}}
	throwsNM   = []error{&noSuchObject{}, &metaException{}}
	throwsAOM  = []error{&alreadyExists{}, &invalidObject{}, &metaException{}}
	throwsAOMN = []error{&alreadyExists{}, &invalidObject{}, &metaException{}, &noSuchObject{}}
	throwsOAM  = []error{&invalidObject{}, &alreadyExists{}, &metaException{}}
	throwsNPM  = []error{&noSuchObject{}, &invalidOperation{}, &metaException{}}
	throwsPM   = []error{&invalidOperation{}, &metaException{}}
	throwsMTD  = []error{&metaException{}, &unknownTable{}, &unknownDB{}}
	throwsMPD  = []error{&metaException{}, &invalidOperation{}, &unknownDB{}}
	throwsNOMI = []error{&noSuchObject{}, &invalidObject{}, &metaException{}, &invalidInput{}}
	throwsNMIO = []error{&noSuchObject{}, &metaException{}, &invalidInput{}, &invalidObject{}}
	throwsNMOI = []error{&noSuchObject{}, &metaException{}, &invalidObject{}, &invalidInput{}}
	throwsMNOI = []error{&metaException{}, &noSuchObject{}, &invalidObject{}, &invalidInput{}}
)

func metaf(format string, args ...any) error { return &metaException{fmt.Sprintf(format, args...)} }

// Exception makes the exception for an error that a method does not declare: all methods may
// throw a MetaException, and it is what Hive's server throws then.
func Exception(err error) error {
	if errors.Is(err, context.Canceled) {
		return &metaException{"the server is being stopped; try again"}
	}
	return &metaException{err.Error()}
}

// missing turns the errors of a store about a table, its database or a partition into what Hive
// says.
func missing(err error, db, table string) error {
	switch {
	case errors.Is(err, metastore.ErrNoSuchPartition):
		return &noSuchObject{err.Error()}
	case errors.Is(err, metastore.ErrNoSuchTable), errors.Is(err, metastore.ErrNoSuchDatabase) && table != "":
		return &noSuchObject{fmt.Sprintf("%s.%s.%s table not found", catalog, db, table)}
	case errors.Is(err, metastore.ErrNoSuchDatabase):
		return &noSuchObject{fmt.Sprintf("database %s.%s", catalog, db)}
	}
	return err
}

// cannotCreate is missing for methods that make something.
func cannotCreate(err error, what string) error {
	switch {
	case errors.Is(err, metastore.ErrExists):
		return &alreadyExists{what + " already exists"}
	case errors.Is(err, metastore.ErrInvalid):
		return &invalidObject{err.Error()}
	case errors.Is(err, metastore.ErrNoSuchDatabase), errors.Is(err, metastore.ErrNoSuchTable):
		return &noSuchObject{err.Error()}
	}
	return err
}

// cannotAlter is missing for methods that change something: Hive says InvalidOperation of nearly
// all that is wrong.
func cannotAlter(err error, what string) error {
	switch {
	case errors.Is(err, metastore.ErrNoSuchDatabase), errors.Is(err, metastore.ErrNoSuchTable),
		errors.Is(err, metastore.ErrNoSuchPartition):
		return &invalidOperation{fmt.Sprintf("%s doesn't exist", what)}
	case errors.Is(err, metastore.ErrExists):
		return &invalidOperation{fmt.Sprintf("%s: %v", what, err)}
	case errors.Is(err, metastore.ErrInvalid):
		return &invalidOperation{err.Error()}
	}
	return err
}
