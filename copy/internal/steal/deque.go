package steal

import "sync"

// deque holds the tasks of one worker, oldest first. It grows as needed: a task that spawns
// never waits, so spawning cannot deadlock.
type deque[T any] struct {
	mu    sync.Mutex
	tasks []T
}

func (d *deque[T]) push(tasks ...T) {
	d.mu.Lock()
	d.tasks = append(d.tasks, tasks...)
	d.mu.Unlock()
}

// popNewest is for the owner.
func (d *deque[T]) popNewest() (t T, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := len(d.tasks) - 1
	if last < 0 {
		return t, false
	}
	t = d.tasks[last]
	var zero T
	d.tasks[last] = zero // let the collector have what it points to
	d.tasks = d.tasks[:last]
	return t, true
}

// stealOldest is for thieves: it removes the older half, rounded up.
func (d *deque[T]) stealOldest() []T {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := (len(d.tasks) + 1) / 2
	if n == 0 {
		return nil
	}
	loot := append([]T(nil), d.tasks[:n]...)
	left := copy(d.tasks, d.tasks[n:])
	clear(d.tasks[left:])
	d.tasks = d.tasks[:left]
	return loot
}
