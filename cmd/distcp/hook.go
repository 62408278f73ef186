package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
)

// hook runs a command of the user's by the shell. What it prints goes to standard error, for
// standard output is for events.
func (c *command) hook(ctx context.Context, flag, text string, end outcome) error {
	var summary bytes.Buffer
	if err := json.NewEncoder(&summary).Encode(newSummaryLine(end.sum, end.err, end.dryRun)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &summary, c.stderr, c.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: the command has failed: %w", flag, err)
	}
	return nil
}
