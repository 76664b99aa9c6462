package skiptest

import (
	"runtime"
	"testing"
)

// ended is a test that notes how it ended.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()               {}
func (e *ended) Fatalf(string, ...any) { e.how = "failed"; runtime.Goexit() }
func (e *ended) Skipf(string, ...any)  { e.how = "skipped"; runtime.Goexit() }

func TestWhatIsSkippedFailsInCI(t *testing.T) {
	denied := map[bool]string{true: "failed", false: "skipped"}[administers()]
	for _, c := range []struct {
		ci, want string
		end      func(testing.TB, string, ...any)
	}{{"", "skipped", Lacks}, {"", "skipped", Denied}, {"true", "failed", Lacks}, {"true", denied, Denied}} {
		t.Setenv("CI", c.ci)
		e, over := &ended{}, make(chan struct{})
		go func() { defer close(over); c.end(e, "it is not here: %s", "why") }()
		if <-over; e.how != c.want {
			t.Errorf("CI=%q: it was %s, want %s", c.ci, e.how, c.want)
		}
	}
}
