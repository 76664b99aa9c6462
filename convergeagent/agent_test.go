package convergeagent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orch/states"
)

func TestConvergesAlone(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, `echo "$1-$2" >> `+trace+`; echo "$ORCH_CLUSTER $ORCH_NODE from=$ORCH_FROM"`)
	r.start()
	r.until("nothing is wanted yet", func(s states.Status) bool { return s.Phase == states.Waiting && s.Instance != "" })
	r.want(desired(1, "off"))
	r.settled("off")
	r.want(desired(2, "version 42"))
	s := r.settled("version 42")
	if got := lines(trace); strings.Join(got, " ") != "off- version-42" {
		t.Errorf("it ran %q", got)
	}
	if s.Generation != 2 || !s.Run.OK() || !s.Run.Terminal || s.Run.Attempt != 1 || s.Run.Tries != 1 || s.Run.Under != states.UnderOpen {
		t.Errorf("it reports %s", text(s))
	}
	if len(s.Run.Tail) != 1 || s.Run.Tail[0] != "web web-01 from=off" {
		t.Errorf("it says %q", s.Run.Tail)
	}
	if log, err := os.ReadFile(s.Run.Log); err != nil || !strings.Contains(string(log), "from=off") {
		t.Errorf("its log is %q, %v", log, err)
	}
}

func TestLateStartGoesStraightToWhereTheClusterIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(7, "version 9"))
	r.start()
	if s := r.settled("version 9"); s.Generation != 7 {
		t.Errorf("its mark is %v", s.Mark)
	}
}

func TestRefusesWhatIsLower(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(5, "converged"))
	r.start()
	r.settled("converged")
	r.want(desired(4, "off"))
	s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing })
	if !strings.Contains(s.Refused, "generation 4 is below 5") || s.State.Name != "converged" || s.Generation != 5 {
		t.Errorf("it reports %s", text(s))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.start() // a new process knows as much
	r.until("refusing again", func(s states.Status) bool { return s.Phase == states.Refusing })
	other := desired(5, "off")
	other.Transition = "t-other"
	r.want(other)
	r.until("refusing the twin", func(s states.Status) bool { return strings.Contains(s.Refused, `transition "t-other"`) })
	r.want(desired(6, "off"))
	if s := r.settled("off"); s.Refused != "" {
		t.Errorf("it still refuses: %s", s.Refused)
	}
}

func TestKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(r *rig){
		"garbage": func(r *rig) { r.kv.Put(keys.Desired("web"), "{") },
		"empty":   func(r *rig) { r.kv.Put(keys.Desired("web"), "") },
		"schema":  func(r *rig) { r.kv.Put(keys.Desired("web"), `{"schema": 99}`) },
		"absent":  func(r *rig) { r.kv.Delete(keys.Desired("web")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "exit 0")
			r.want(desired(1, "converged"))
			r.start()
			r.settled("converged")
			spoil(r)
			s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing && s.Refused != "" })
			if s.State.Name != "converged" || !strings.Contains(s.Refused, "clusters/web/desired") {
				t.Errorf("it reports %s", text(s))
			}
			r.want(desired(2, "off"))
			if s := r.settled("off"); s.Refused != "" {
				t.Errorf("it still refuses: %s", s.Refused)
			}
		})
	}
}

func TestDeniedKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(1, "converged"))
	r.client.Deny(keys.Desired("web"))
	r.start()
	r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing && strings.Contains(s.Refused, "denied") })
	r.client.Deny()
	r.settled("converged")
}

func TestOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	first := desired(1, "converged")
	r.want(first)
	r.start()
	r.settled("converged")
	second := closed(desired(2, "version 2"))
	second.From = []states.State{first.State}
	r.want(second)
	r.until("waiting for its turn", func(s states.Status) bool { return s.Phase == states.Waiting && s.Generation == 2 })
	r.kv.Put(keys.Order("web", "web-01"), "garbage")
	s := r.until("its order is garbage", func(s states.Status) bool { return strings.Contains(s.Refused, "orders/web-01") })
	if s.Phase != states.Waiting {
		t.Errorf("its phase is %s", s.Phase)
	}
	r.order(second, "run-1")
	s = r.settled("version 2")
	if s.Run.ID != "run-1" || s.Run.Under != states.UnderOrder || s.Refused != "" {
		t.Errorf("it reports %s", text(s))
	}
	r.order(second, "run-2") // it is there already
	s = r.until("success without a run", func(s states.Status) bool { return s.Run.ID == "run-2" })
	if !s.Run.OK() || !s.Run.Terminal || s.Phase != states.Settled {
		t.Errorf("it reports %s", text(s))
	}
}

func TestAgainIsDoneOnce(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, "echo run >> "+trace)
	d := desired(1, "converged")
	r.want(d)
	r.start()
	r.settled("converged")
	d.Generation, d.Again = 2, "again-1"
	r.want(d)
	r.until("done again", func(s states.Status) bool { return s.AgainDone == "again-1" && s.Phase == states.Settled })
	d.Generation = 3
	r.want(d)
	r.until("settled", func(s states.Status) bool { return s.Generation == 3 && s.Phase == states.Settled })
	if got := len(lines(trace)); got != 2 {
		t.Errorf("it ran %d times", got)
	}
}

func TestTriesAndRetries(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, "echo $ORCH_RUN >> "+trace+"; echo sorry; exit 3")
	first := closed(desired(1, "converged"))
	first.Retries = 2
	r.want(first)
	r.start()
	r.until("late", func(s states.Status) bool { return s.Generation == 1 })
	r.order(first, "run-1")
	s := r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
	if ran := strings.Join(lines(trace), " "); ran != "run-1 run-1 run-1" {
		t.Errorf("it ran %q", ran)
	}
	if s.Run.Attempt != 3 || s.Run.Tries != 3 || !s.Run.Terminal || s.Run.Exit != 3 || s.Run.Tail[0] != "sorry" ||
		s.Failed.ID != "run-1" || s.Attempting.Name != "converged" || !s.State.None() {
		t.Errorf("it reports %s", text(s))
	}
	quiet(t, "it waits to be ordered again", func() bool { return r.status().Phase == states.Failed })
	r.order(first, "run-2") // a new order is a new chance
	s = r.until("failed again", func(s states.Status) bool { return s.Failed.ID == "run-2" })
	if s.Run.Attempt != 3 {
		t.Errorf("it reports %s", text(s))
	}
}

func TestFailsForEverUnderNewIDs(t *testing.T) {
	t.Parallel()
	mended := filepath.Join(t.TempDir(), "mended")
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRig(t, "echo $ORCH_RUN >> "+trace+"; test -e "+mended)
	r.want(desired(1, "converged"))
	r.start()
	eventually(t, "two runs", func() bool { return len(lines(trace)) >= 2 }, func() string { return text(r.status()) })
	ran := lines(trace)
	if ran[0] == ran[1] || !strings.HasPrefix(ran[0], "r-") {
		t.Errorf("it ran %q", ran)
	}
	r.until("retrying", func(s states.Status) bool { return s.Phase == states.Retrying && s.Failed.ID != "" })
	if err := os.WriteFile(mended, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := r.settled("converged"); s.Failed.ID != "" {
		t.Errorf("it still reports the failure: %s", text(s.Failed))
	}
}

func TestATargetThatChangesWaitsForTheRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `echo +$1 >> `+dir+`/trace; while test $1 = slow && ! test -e `+dir+`/go; do sleep 0.02; done; echo -$1 >> `+dir+`/trace`)
	r.want(desired(1, "slow"))
	r.start()
	r.until("converging", func(s states.Status) bool { return s.Phase == states.Converging })
	r.want(desired(2, "quick"))
	r.until("the mark moved", func(s states.Status) bool { return s.Generation == 2 && s.Phase == states.Converging })
	r.kv.Put(keys.Desired("web"), "garbage")
	r.until("it says so while it runs", func(s states.Status) bool { return s.Refused != "" && s.Phase == states.Converging })
	r.want(desired(3, "quick"))
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.settled("quick")
	if got := strings.Join(lines(dir+"/trace"), " "); got != "+slow -slow +quick -quick" {
		t.Errorf("it ran %s", got)
	}
}

func TestHeldAndFrozen(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	word := states.Word{By: "ada", Why: "disk swap", At: time.Now()}
	r.kv.Put(keys.Order("web", "web-01"), text(states.Order{Schema: states.Schema, Held: &word}))
	r.want(desired(1, "converged"))
	r.start()
	s := r.until("held", func(s states.Status) bool { return s.Phase == states.Held })
	if !strings.Contains(s.Reason, "by ada") || s.Run.ID != "" {
		t.Errorf("it reports %s", text(s))
	}
	r.kv.Put(keys.Freeze(), text(states.Freeze{Schema: states.Schema, Word: word}))
	r.kv.Delete(keys.Order("web", "web-01"))
	r.until("frozen", func(s states.Status) bool { return s.Phase == states.Frozen })
	r.kv.Put(keys.Freeze(), "garbage")
	r.until("frozen by garbage", func(s states.Status) bool {
		return s.Phase == states.Frozen && strings.Contains(s.Reason, "cannot be read")
	})
	r.kv.Delete(keys.Freeze())
	r.settled("converged")
}

func TestObserveRunsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.config.Observe = true
	r.want(desired(1, "converged"))
	r.start()
	s := r.until("observing", func(s states.Status) bool { return s.Phase == states.Observing })
	quiet(t, "it only watches", func() bool { return r.status().Run.ID == "" })
	if !strings.Contains(s.Reason, "it would converge") || !s.State.None() {
		t.Errorf("it reports %s", text(s))
	}
}

// race lets something happen between a decision and its claim.
type race struct {
	Inbox
	once   sync.Once
	before func()
	err    error // of the first claim, where there is one
}

func (r *race) Claim(ctx context.Context, sight states.Sight, before, running states.Status) (err error) {
	r.once.Do(func() { r.before(); err = r.err })
	if err != nil {
		return err
	}
	return r.Inbox.Claim(ctx, sight, before, running)
}

func TestClaimRaces(t *testing.T) {
	t.Parallel()
	void := states.Order{Schema: states.Schema, Void: "too late"}
	for name, c := range map[string]struct {
		meanwhile func(r *rig)
		err       error
	}{
		"a new desired state": {meanwhile: func(r *rig) { r.want(desired(2, "converged")) }},
		"an order came up":    {meanwhile: func(r *rig) { r.kv.Put(keys.Order("web", "web-01"), text(void)) }},
		"the answer was lost": {meanwhile: func(r *rig) { r.client.LoseNextWrite(true) }},
		"the write was lost":  {meanwhile: func(r *rig) { r.client.LoseNextWrite(false) }},
		"consul is away":      {meanwhile: func(*rig) {}, err: states.ErrUnavailable},
		"the session is gone": {meanwhile: func(*rig) {}, err: states.ErrSessionGone},
		"it is denied":        {meanwhile: func(*rig) {}, err: states.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := filepath.Join(t.TempDir(), "trace")
			r := newRig(t, "echo $1 >> "+trace)
			r.config.Inbox = &race{Inbox: r.inbox, err: c.err, before: func() {
				m := memoryOf(t, r.config.StateDir)
				if !m.Last.Going() || m.Attempting.Name == "" {
					t.Errorf("nothing is noted before the claim: %s", text(m))
				}
				c.meanwhile(r)
			}}
			d := desired(1, "converged")
			if name == "a new desired state" {
				d = desired(1, "off")
			}
			r.want(d)
			r.start()
			r.settled("converged")
			if got := lines(trace); len(got) != 1 || got[0] != "converged" {
				t.Errorf("it ran %q", got)
			}
		})
	}
}

func memoryOf(t *testing.T, dir string) memory {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, memoryFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMemory(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSessionIsMadeAgainWhileARunGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `while ! test -e `+dir+`/go; do sleep 0.02; done`)
	r.want(desired(1, "converged"))
	r.start()
	r.until("converging", func(s states.Status) bool { return s.Phase == states.Converging })
	session := r.pair().Session
	if err := r.kv.DestroySession(context.Background(), session); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another session", func() bool { now := r.pair().Session; return now != "" && now != session },
		func() string { return text(r.status()) })
	if s := r.status(); !s.Run.Going() || s.Run.Attempt != 1 {
		t.Errorf("it reports %s", text(s))
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.settled("converged")
}

func TestReportsAreKeptWhileConsulIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `while ! test -e `+dir+`/go; do sleep 0.02; done; exit 1`)
	r.want(closed(desired(1, "converged")))
	r.start()
	r.until("waiting", func(s states.Status) bool { return s.Generation == 1 })
	r.order(closed(desired(1, "converged")), "run-1")
	r.until("converging", func(s states.Status) bool { return s.Phase == states.Converging })
	r.client.Down(true)
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end is noted", func() bool { return memoryOf(t, r.config.StateDir).Last.Terminal }, func() string { return "" })
	r.client.Down(false)
	s := r.until("the end is told", func(s states.Status) bool { return s.Run.Terminal })
	if s.Run.ID != "run-1" || s.Run.Exit != 1 {
		t.Errorf("it reports %s", text(s))
	}
}

func TestStatusIsPutBackAfterARestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.inbox.Wait = 200 * time.Millisecond
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	old := r.kv.Save() // a blocked query sees it when its time is over
	r.want(desired(2, "off"))
	r.settled("off")
	r.kv.Restore(old)
	s := r.until("its mark is back", func(s states.Status) bool { return s.Generation == 2 && s.Phase == states.Refusing })
	if s.State.Name != "off" {
		t.Errorf("it reports %s", text(s))
	}
}

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
