package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// A command is killed in the middle of one of its writes, which is carried out or lost, and is then given
// once more: the cluster moves once, and nobody moves it a second time by mistake.
func TestFaultCommandIsKilledInMidRequest(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{true, false} {
		for nth := 1; nth <= 8; nth++ {
			t.Run(fmt.Sprintf("write %d, lost %v", nth, lost), func(t *testing.T) {
				if nth != 2 {
					everything(t)
				}
				f := newField(t)
				f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
				w, killed := newWire(t, f.consul.addr), make(chan struct{})
				moves := make(chan *process, 1)
				w.does(kills(nth, lost, moves, killed))
				f.env = []string{"CONSUL_HTTP_ADDR=" + w.addr}
				move := f.orchStart("transition", "web", "version", "2")
				moves <- move
				<-killed
				f.env = nil
				f.again(t, "transition", "web", "version", "2")
				f.settledAt("version 2", 3)
				if runs := f.to("version 2"); len(runs) != 3 {
					t.Errorf("want 3 runs, got %+v", runs)
				}
				f.atMost(1, f.to("version 2"))
				f.once(f.runs())
				if history := f.ok("history", "web"); strings.Count(history, "version 1 -> version 2, by") != 1 {
					t.Errorf("want one move to version 2:\n%s", history)
				}
				f.clean()
			})
		}
	}
}

// kills ends the command that comes in by its nth write, after it or instead of it.
func kills(nth int, lost bool, moves chan *process, killed chan struct{}) fault {
	writes := make(chan int, 1)
	writes <- 0
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if r.Method != http.MethodPut || strings.Contains(r.URL.RawQuery, "consistent") {
			return false // a read, also where it is a transaction
		}
		n := <-writes + 1
		writes <- n
		if n != nth {
			return false
		}
		if !lost {
			next.ServeHTTP(&deaf{header: http.Header{}}, r)
		}
		move := <-moves
		move.signal(syscall.SIGKILL)
		<-move.done
		close(killed)
		reset(w)
		return true
	}
}

// again gives a command once more: it is done, or refused because the cluster moves there already, and
// somebody goes on with that.
func (f *field) again(t *testing.T, args ...string) {
	t.Helper()
	text, code := f.orch(args...)
	if code == 6 && strings.Contains(text, "accepted") && !strings.Contains(text, "go on with it: orch resume web") {
		t.Errorf("it took up what the command that died had filed, and does not say how to go on with it:\n%s", text)
	}
	switch {
	case code == 6 && strings.Contains(text, "ada@bastion moves web to version 2 since"):
		f.ok("resume", "web")
	case code != 0:
		t.Fatalf("exit code %d:\n%s", code, text)
	}
}
