package s3store

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// CustomerKey is a key of 256 bits with which the service encrypts and decrypts objects, but
// which it does not keep (SSE-C). It prints as nothing but its presence. The zero value is
// no key.
type CustomerKey struct {
	set bool
	key [32]byte
}

// ParseCustomerKey reads a key: its 32 bytes, or their base64 with white space around.
func ParseCustomerKey(text []byte) (CustomerKey, error) {
	k := CustomerKey{set: true}
	if copy(k.key[:], text); len(text) == len(k.key) {
		return k, nil
	}
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(raw) != len(k.key) {
		return CustomerKey{}, errors.New("customer's encryption key: want 32 bytes, or the base64 of 32 bytes")
	}
	copy(k.key[:], raw)
	return k, nil
}

// ReadCustomerKey reads a key from a file, as ParseCustomerKey does.
func ReadCustomerKey(path string) (CustomerKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return CustomerKey{}, fmt.Errorf("customer's encryption key: %w", err)
	}
	k, err := ParseCustomerKey(text)
	if err != nil {
		return CustomerKey{}, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// Set tells whether there is a key.
func (k CustomerKey) Set() bool { return k.set }

// Format prints whether there is a key, whatever the verb.
func (k CustomerKey) Format(f fmt.State, _ rune) {
	if k.set {
		fmt.Fprint(f, "(secret)")
		return
	}
	fmt.Fprint(f, "(none)")
}

// MarshalText refuses, so that no encoder writes a key anywhere.
func (k CustomerKey) MarshalText() ([]byte, error) {
	return nil, errors.New("a customer's encryption key is not written to anything")
}

// sse is the key as the library wants it, or nil.
func (k CustomerKey) sse() encrypt.ServerSide {
	if !k.set {
		return nil
	}
	sse, err := encrypt.NewSSEC(k.key[:])
	if err != nil {
		return nil // it wants 32 bytes, and has them
	}
	return sse
}

// keyNotWanted recognises the refusal of a key for an object that was not encrypted with a
// customer's key. A HEAD says no more than that the request is bad.
func keyNotWanted(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && r.StatusCode == http.StatusBadRequest
}

// sourceKey adds the key that opens the source of a copy.
func (c *Client) sourceKey(headers map[string]string) map[string]string {
	if sse := c.cfg.CustomerKey.sse(); sse != nil {
		marshal(encrypt.SSECopy(sse), headers)
	}
	return headers
}

// partKey adds the key of the object that a part is for.
func (c *Client) partKey(headers map[string]string) map[string]string {
	if sse := c.cfg.CustomerKey.sse(); sse != nil {
		marshal(sse, headers)
	}
	return headers
}

func marshal(sse encrypt.ServerSide, headers map[string]string) {
	h := http.Header{}
	sse.Marshal(h)
	for k, v := range h {
		headers[k] = v[0]
	}
}
