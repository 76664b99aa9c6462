package convergeagent

import (
	"context"
	"errors"
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
	r.start() // the second try is the last
	s = r.until("the second try", func(s states.Status) bool { return s.Run.Attempt == 2 })
	if s.Run.Tries != 2 {
		t.Errorf("it reports %s", text(s))
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
