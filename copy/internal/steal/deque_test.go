package steal

import (
	"fmt"
	"testing"
)

func TestDeque(t *testing.T) {
	var d deque[int]
	if _, ok := d.popNewest(); ok || d.stealOldest() != nil {
		t.Fatal("an empty deque has a task")
	}
	d.push(1, 2, 3, 4, 5)
	for _, step := range []struct{ loot, left string }{
		{"[1 2 3]", "[4 5]"}, // the older half, rounded up
		{"[4]", "[5]"},
		{"[5]", "[]"},
	} {
		if loot := fmt.Sprint(d.stealOldest()); loot != step.loot || fmt.Sprint(d.tasks) != step.left {
			t.Errorf("stole %s and left %v, want %s and %s", loot, d.tasks, step.loot, step.left)
		}
	}
	d.push(6)
	d.push(7)
	if n, ok := d.popNewest(); !ok || n != 7 {
		t.Errorf("the newest is %d", n)
	}
}
