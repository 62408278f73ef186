//go:build !linux

package testenv

import (
	"errors"
	"net"
	"time"
)

type linkLoop struct{}

func startLinkLoop(*net.TCPAddr, time.Duration) (*linkLoop, int, error) {
	return nil, 0, errors.New("links need Linux, which moves bytes between connections without copying them")
}

func (l *linkLoop) close() error { return nil }
