package s3store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// processPatience bounds how long a program may take to give credentials.
	processPatience = time.Minute
	// renewal is how long before credentials expire others are asked for: requests that have been signed
	// shall arrive in time.
	renewal = time.Minute
)

// process gets credentials from a program, as a profile's credential_process names it, and again whenever
// they are about to expire.
type process struct {
	credentials.Expiry
	command  string
	forever  bool // what it gave does not expire
	answered bool
}

// RetrieveWithCredContext implements [credentials.Provider]. Its errors are storage.ErrCredentials, and show
// nothing of what the program has printed but its errors.
func (p *process) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	v, err := p.ask()
	if err != nil {
		return v, credentialsError{fmt.Errorf("credential_process %q: %w", p.command, err)}
	}
	return v, nil
}

// Retrieve implements [credentials.Provider].
func (p *process) Retrieve() (credentials.Value, error) { return p.RetrieveWithCredContext(nil) }

// IsExpired implements [credentials.Provider].
func (p *process) IsExpired() bool { return !p.answered || !p.forever && p.Expiry.IsExpired() }

func (p *process) ask() (credentials.Value, error) {
	// The credentials are those of all requests: none of their contexts ends the program.
	ctx, cancel := context.WithTimeout(context.Background(), processPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", p.command)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s", processPatience)
		}
		if said := strings.TrimSpace(stderr.String()); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return credentials.Value{}, err
	}
	var answer struct {
		Version                                    int
		AccessKeyID, SecretAccessKey, SessionToken string
		Expiration                                 *time.Time
	}
	if json.Unmarshal(stdout.Bytes(), &answer) != nil || answer.Version != 1 || answer.AccessKeyID == "" || answer.SecretAccessKey == "" {
		return credentials.Value{}, errors.New(
			`want JSON with "Version": 1, "AccessKeyId", "SecretAccessKey" and perhaps "SessionToken" and "Expiration"`)
	}
	v := credentials.Value{AccessKeyID: answer.AccessKeyID, SecretAccessKey: answer.SecretAccessKey, SessionToken: answer.SessionToken}
	if p.answered, p.forever = true, answer.Expiration == nil; !p.forever {
		if !answer.Expiration.After(time.Now()) {
			return credentials.Value{}, fmt.Errorf("what it gave has expired at %s", answer.Expiration.Format(time.RFC3339))
		}
		v.Expiration = *answer.Expiration
		p.SetExpiration(v.Expiration, min(renewal, time.Until(v.Expiration)/5))
	}
	return v, nil
}

var _ credentials.Provider = (*process)(nil)
