//go:build !linux

package main

// takeTurns does nothing where there is no such policy.
func takeTurns() {}
