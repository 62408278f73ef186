package thrift

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The negotiation of Thrift's SASL transport: a status, the length of what follows, and that.
const (
	saslStart    = 1
	saslOK       = 2
	saslBad      = 3
	saslError    = 4
	saslComplete = 5
)

// saslLimit bounds a message of somebody who is not known yet.
const saslLimit = 64 << 10

func readSASL(r io.Reader) (status byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, unexpected(err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > saslLimit {
		return 0, nil, malformed("a SASL message of %d bytes", n)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return head[0], payload, err
}

func writeSASL(w io.Writer, status byte, payload string) error {
	b := append([]byte{status}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	_, err := w.Write(append(b, payload...))
	return err
}

// acceptSASL is the server's side: it finds out who the client is, by PLAIN. auth nil accepts
// everybody.
func acceptSASL(ctx context.Context, r *bufio.Reader, w io.Writer, auth Authenticator) (user string, err error) {
	refuse := func(status byte, text string) (string, error) {
		return "", errors.Join(errors.New(text), writeSASL(w, status, text))
	}
	status, mechanism, err := readSASL(r)
	switch {
	case err != nil:
		return "", err
	case status != saslStart:
		return refuse(saslError, fmt.Sprintf("SASL begins with START, not with status %d", status))
	case string(mechanism) != "PLAIN":
		return refuse(saslBad, fmt.Sprintf("the SASL mechanism %q is not supported yet; use PLAIN", mechanism))
	}
	status, response, err := readSASL(r)
	switch {
	case err != nil:
		return "", err
	case status != saslOK && status != saslComplete:
		return refuse(saslError, fmt.Sprintf("the client gave up with status %d", status))
	}
	fields := strings.Split(string(response), "\x00") // who to act as, who, password
	if len(fields) != 3 || fields[1] == "" {
		return refuse(saslError, "PLAIN needs a name and a password")
	}
	if user = fields[1]; fields[0] != "" && fields[0] != user {
		return refuse(saslError, "acting as somebody else is not supported yet")
	}
	if auth != nil {
		if err := auth(ctx, user, fields[2]); err != nil {
			return refuse(saslError, "Error validating the login: "+err.Error())
		}
	}
	return user, writeSASL(w, saslComplete, "")
}

// offerSASL is the client's side.
func offerSASL(r io.Reader, w io.Writer, user, password string) error {
	if err := writeSASL(w, saslStart, "PLAIN"); err != nil {
		return err
	}
	if err := writeSASL(w, saslOK, "\x00"+user+"\x00"+password); err != nil {
		return err
	}
	for {
		status, payload, err := readSASL(r)
		switch {
		case err != nil:
			return fmt.Errorf("SASL: %w", err)
		case status == saslComplete:
			return nil
		case status != saslOK:
			return fmt.Errorf("the server refuses the login: %s", payload)
		}
	}
}
