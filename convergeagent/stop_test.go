package convergeagent

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"orch/states"
)

func TestSecondAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	var inUse *InUseError
	if err := New(r.config).Run(t.Context()); !errors.As(err, &inUse) {
		t.Errorf("a second process gets %v", err)
	}
	other := newRig(t, "exit 0") // with a state directory of its own
	other.inbox.KV = r.kv.Client()
	var taken *states.TakenError
	if err := New(other.config).Run(t.Context()); !errors.As(err, &taken) {
		t.Errorf("another instance gets %v", err)
	}
}

// Ctrl-C ends the run first.
func TestStopsGracefully(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `trap 'echo bye; exit 0' TERM; echo $$ > `+dir+`/pid; while :; do sleep 0.02; done`)
	board := &notes{}
	r.config.Board = board
	d := desired(1, "converged")
	d.Retries = 1
	r.want(d)
	r.start()
	eventually(t, "it runs", func() bool { return len(lines(dir+"/pid")) == 1 }, func() string { return text(r.status()) })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	s := r.status()
	if s.Run.Outcome != states.Interrupted || s.Run.Terminal || !slices.Contains(s.Run.Tail, "bye") || r.pair().Session != "" {
		t.Errorf("it leaves %s", text(s))
	}
	if !board.gone() {
		t.Error("it is still on the board")
	}
	gone(t, dir+"/pid")
	r.start() // the second try is the last
	s = r.until("the second try", func(s states.Status) bool { return s.Run.Attempt == 2 })
	if s.Run.Tries != 2 {
		t.Errorf("it reports %s", text(s))
	}
}

// SIGTERM, as an upgrade of the agent sends it, leaves the run going; the next agent has its result.
func TestLeavesItsRunGoing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `echo run >> `+dir+`/trace; while ! test -e `+dir+`/go; do sleep 0.02; done; echo "ended by itself"`)
	r.want(desired(1, "converged"))
	r.start()
	eventually(t, "it runs", func() bool { return len(lines(dir+"/trace")) == 1 }, func() string { return text(r.status()) })
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	s := r.status()
	if !s.Run.Going() || s.Phase != states.Converging || !strings.Contains(s.Reason, "goes on") || r.pair().Session != "" {
		t.Errorf("it leaves %s", text(s))
	}
	r.start()
	r.until("the next agent waits", func(s states.Status) bool { return strings.HasPrefix(s.Reason, "waits for the end of run "+s.Run.ID) })
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := r.settled("converged"); s.Run.Attempt != 1 || !slices.Contains(s.Run.Tail, "ended by itself") || len(lines(dir+"/trace")) != 1 {
		t.Errorf("after %q it reports %s", lines(dir+"/trace"), text(s))
	}
}

// notes is a board.
type notes struct {
	mu      sync.Mutex
	seen    []string
	removed bool
}

func (n *notes) Show(_ context.Context, tag, status, _ string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if line := tag + " " + status; len(n.seen) == 0 || n.seen[len(n.seen)-1] != line {
		n.seen = append(n.seen, line)
	}
	return errors.New("nobody reads it")
}

func (n *notes) Remove(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.removed = true
	return nil
}

// last is what was shown last.
func (n *notes) last() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.seen) == 0 {
		return ""
	}
	return n.seen[len(n.seen)-1]
}

func (n *notes) gone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.removed
}

func TestBoard(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sleep 0.2; test $1 = converged")
	board := &notes{}
	r.config.Board = board
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	bad := closed(desired(2, "bad"))
	r.want(bad)
	r.until("waiting", func(s states.Status) bool { return s.Generation == 2 })
	r.order(bad, "run-1")
	r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
	all := func() string {
		board.mu.Lock()
		defer board.mu.Unlock()
		return strings.Join(board.seen, ", ")
	}
	eventually(t, "the board tells it", func() bool {
		return strings.HasSuffix(all(), "no-state warning, converged passing, no-state warning, no-state critical")
	}, all)
}
