package testenv

import "context"

// instance is a server that this process has started, whose tests may kill it.
type instance struct {
	process *process
	killed  bool // or halted
}

// Stop ends the server cleanly. Calling it again does nothing.
func (s *instance) Stop() error {
	if s.killed {
		s.killed = false
		return s.process.dir.close()
	}
	return s.process.close()
}

// Halt ends the server cleanly. Its data stays, for Restart.
func (s *instance) Halt() error {
	s.killed = true
	return s.process.end(s.process.launch.stop)
}

// Kill ends the server as a crash would, without a word to its clients. Its data stays, for Restart.
func (s *instance) Kill() error {
	s.killed = true
	return s.process.end(s.process.death) // by which one with children takes them along
}

// Restart starts a server that has been halted or killed, on its data and at its address, and returns when it
// is ready.
func (s *instance) Restart(ctx context.Context) error {
	p, err := s.process.again(ctx)
	if err == nil {
		s.process, s.killed = p, false
	}
	return err
}
