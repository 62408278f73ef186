// Package lint holds the project's rules about its own source as tests: which package may
// import which (the arrows of ARCHITECTURE.md), that its tree shows every package, that every
// package says what it is for, that files and functions are of a size to be read, that the source
// is formatted and vetted, and a few words that may not appear.
//
//	go test ./internal/lint
//
// It has no code besides tests, and knows the project by what the go command says of it.
package lint
