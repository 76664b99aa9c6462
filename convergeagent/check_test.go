package convergeagent

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// checked has every state of a rig's node looked at by a shell script, again and again.
func (r *rig) checked(script string, edit func(*Check)) {
	check := Check{Every: 50 * time.Millisecond, Timeout: 5 * time.Second}
	edit(&check)
	r.config.Checker = &Checks{Dir: filepath.Join(r.config.StateDir, "runs"), How: func(state states.State) (Check, []string, bool) {
		return check, Fill([]string{"/bin/sh", "-c", script, "check", "${state}", "${argument}"}, state), true
	}}
}

func repairs(c *Check) { c.Repair = true }
func reports(*Check)   {}

// resting is a cluster that reached what is wanted.
func resting(d states.Desired) states.Desired {
	d.Reached = d.Generation
	return d
}

// still is one at a state that serves nobody.
func still(generation uint64) states.Desired {
	d := resting(desired(generation, "off"))
	d.State.Serving = false
	return d
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func drop(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// Somebody breaks what a converge made: the status says so, with what the check said, and nothing
// runs. It stays said over a restart, and is gone when somebody mends it.
func TestDriftIsReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo run >> "+dir+"/trace; touch "+dir+"/conf")
	r.checked("test -e "+dir+"/conf && exit; echo one; echo 'web.conf\033[2J is gone from '$ORCH_NODE $1 $ORCH_ARGUMENT; exit 3", reports)
	board := &notes{}
	r.config.Board = board
	r.want(resting(desired(1, "version 42")))
	r.start()
	r.settled("version 42")
	drop(t, dir+"/conf")
	s := r.until("drifted", func(s states.Status) bool { return s.Phase == states.Drifted })
	if d := s.Drift; !s.At(states.State{Name: "version", Argument: "42"}) || d == nil || d.Exit != 3 || d.Repair || d.Since.IsZero() ||
		!slices.Equal(d.Said, []string{"one", "web.conf is gone from web-01 version 42"}) ||
		s.Reason != "its check says exit 3: web.conf is gone from web-01 version 42" {
		t.Errorf("it reports %s", text(s))
	}
	eventually(t, "the board says so", func() bool { return board.last() == "version-42 warning" }, board.last)
	since := s.Drift.Since
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.start()
	s = r.until("drifted still", func(s states.Status) bool { return s.Phase == states.Drifted })
	if !s.Drift.Since.Equal(since) {
		t.Errorf("since %s, and before that since %s", s.Drift.Since, since)
	}
	quiet(t, "nothing runs", func() bool { return len(lines(dir+"/trace")) == 1 })
	touch(t, dir+"/conf")
	if s = r.settled("version 42"); s.Drift != nil {
		t.Errorf("it reports %s", text(s))
	}
}

// A check that cannot tell is no drift, and the end of none.
func TestACheckThatCannotTell(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ script, says string }{
		"it takes too long":         {"sleep 60", "it takes longer than 200ms"},
		"it is killed":              {"kill -9 $$", "it was killed by SIGKILL"},
		"it cannot be started":      {"", "could not be started: "},
		"it does not end when told": {"trap '' TERM; sleep 60", "it takes longer than 200ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := newRig(t, "exit 0")
			r.checked("test -e "+dir+"/drifts && exit 1; test -e "+dir+"/well && exit 0; "+row.script, func(c *Check) { c.Timeout = 200 * time.Millisecond })
			if row.script == "" {
				program := filepath.Join(dir, "check")
				checks := r.config.Checker.(*Checks)
				how := checks.How
				checks.How = func(state states.State) (Check, []string, bool) {
					check, command, _ := how(state)
					if _, err := os.Stat(dir + "/drifts"); err != nil {
						command = []string{program}
					}
					return check, command, true
				}
			}
			r.want(resting(desired(1, "on")))
			r.start()
			r.until("it says so", func(s states.Status) bool {
				return s.Phase == states.Settled && strings.Contains(s.Reason, "at on, as it should be; its check cannot tell: "+row.says)
			})
			touch(t, dir+"/drifts")
			r.until("drifted", func(s states.Status) bool { return s.Phase == states.Drifted && s.Drift.Exit == 1 })
			drop(t, dir+"/drifts")
			s := r.until("in doubt again", func(s states.Status) bool { return strings.Contains(s.Reason, row.says) })
			if s.Phase != states.Drifted || s.Drift == nil {
				t.Errorf("it reports %s", text(s))
			}
		})
	}
}

// Where it serves nobody a node mends itself, with nobody to let it go, and once: what its repair does
// not mend is tried again much later.
func TestRepairsItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo run >> "+dir+"/trace; test -e "+dir+"/stuck || touch "+dir+"/conf")
	r.checked("echo look >> "+dir+"/looks; test -e "+dir+"/conf", repairs)
	r.want(still(1))
	r.start()
	r.settled("off")
	drop(t, dir+"/conf")
	s := r.until("repaired", func(s states.Status) bool {
		return s.Phase == states.Settled && s.Run.Under == states.UnderRepair && s.Run.OK()
	})
	if s.Drift != nil || s.Run.Drain != 0 {
		t.Errorf("it reports %s", text(s))
	}
	looks := len(lines(dir + "/looks"))
	eventually(t, "its check passes, so that the next repair is a first one", func() bool { return len(lines(dir+"/looks")) >= looks+2 }, func() string { return text(r.status()) })
	touch(t, dir+"/stuck")
	drop(t, dir+"/conf")
	eventually(t, "the next repair", func() bool { return len(lines(dir+"/trace")) == 3 }, func() string { return text(r.status()) })
	s = r.until("it stays drifted", func(s states.Status) bool { return s.Phase == states.Drifted && s.Drift.Repairs == 1 })
	if want := "it repairs itself, 1m after its last run, which changed nothing"; !strings.HasSuffix(s.Reason, want) {
		t.Errorf("it says %q", s.Reason)
	}
	quiet(t, "it does not run hot", func() bool { return len(lines(dir+"/trace")) == 3 })
	touch(t, dir+"/conf") // by hand
	r.settled("off")
}

// Where it serves, a node asks and waits; the leader's order lets it go once.
func TestAsksForItsTurn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo run >> "+dir+"/trace; touch "+dir+"/conf")
	r.checked("test -e "+dir+"/conf", repairs)
	first := resting(desired(1, "on"))
	r.want(first)
	r.start()
	r.settled("on")
	drop(t, dir+"/conf")
	s := r.until("it asks", func(s states.Status) bool { return s.Phase == states.Drifted && s.Drift.Repair })
	if !strings.HasSuffix(s.Reason, "it asks for its turn to be repaired") {
		t.Errorf("it says %q", s.Reason)
	}
	quiet(t, "nobody lets it go", func() bool { return len(lines(dir+"/trace")) == 1 })
	second := closed(desired(2, "on"))
	second.From = []states.State{first.State}
	r.want(second)
	r.until("it waits for its turn", func(s states.Status) bool { return s.Generation == 2 })
	order := states.Order{Schema: states.Schema, Transition: second.Transition, Generation: 2, State: second.State, Instance: r.status().Instance,
		Run: "run-1", Timeout: second.Timeout, Again: second.Transition}
	r.kv.Put(keys.Order("web", "web-01"), text(order))
	s = r.until("repaired", func(s states.Status) bool { return s.AgainDone == second.Transition && s.Phase == states.Settled })
	if s.Drift != nil || s.Run.Under != states.UnderOrder || len(lines(dir+"/trace")) != 2 {
		t.Errorf("it reports %s", text(s))
	}
}

// A check never goes on beside a run: where a run is due, the check is ended first, and all of it.
func TestNoCheckBesideARun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo +$1 >> "+dir+"/trace; flock -n "+dir+"/lock sleep 0.1 || echo overlap >> "+dir+"/trace; echo -$1 >> "+dir+"/trace")
	r.checked("echo look >> "+dir+"/looks; exec flock "+dir+"/lock sh -c 'sleep 60 & wait'", func(c *Check) { c.Timeout = time.Minute })
	r.want(resting(desired(1, "on")))
	r.start()
	eventually(t, "a check goes on", func() bool { return len(lines(dir+"/looks")) == 1 }, func() string { return text(r.status()) })
	r.want(resting(desired(2, "off")))
	r.settled("off")
	if got := strings.Join(lines(dir+"/trace"), " "); got != "+on -on +off -off" {
		t.Errorf("it ran %s", got)
	}
	eventually(t, "the next check goes on", func() bool { return len(lines(dir+"/looks")) == 2 }, func() string { return text(r.status()) })
	began := time.Now()
	if err := r.stop(); err != nil || time.Since(began) > 8*time.Second {
		t.Errorf("it stops after %s: %v", time.Since(began), err)
	}
	if err := quickly(dir + "/lock"); err != nil {
		t.Errorf("something of the check lives on: %v", err)
	}
}

// quickly takes a lock that nobody should hold.
func quickly(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return flock(context.Background(), file)
}

// Only a node that is where it should be is looked at: not one that waits, nor one that was disabled.
func TestNotLookedAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "exit 0")
	r.checked("echo look >> "+dir+"/looks; exit 1", reports)
	first := resting(desired(1, "on"))
	second := closed(desired(2, "version 2"))
	second.From = []states.State{first.State}
	r.want(first)
	r.start()
	r.until("drifted", func(s states.Status) bool { return s.Phase == states.Drifted })
	r.want(second)
	s := r.until("it waits", func(s states.Status) bool { return s.Phase == states.Waiting && s.Generation == 2 })
	if s.Drift == nil {
		t.Errorf("it is as it was found: %s", text(s))
	}
	still := func(why string) {
		t.Helper()
		looks := len(lines(dir+"/looks")) + 1 // one may have begun before
		quiet(t, why, func() bool { return len(lines(dir+"/looks")) <= looks })
	}
	still("it waits, and is not looked at")
	third := resting(desired(3, "on"))
	r.want(third)
	r.until("drifted again", func(s states.Status) bool { return s.Phase == states.Drifted && s.Generation == 3 })
	if _, err := Disable(r.config.StateDir, "ada", "a look of her own"); err != nil {
		t.Fatal(err)
	}
	r.until("disabled", func(s states.Status) bool { return s.Disabled != nil })
	still("it is disabled, and not looked at")
}

// The state's attributes come to the check as to a run; nothing of it stays behind.
func TestACheckKnowsWhatARunKnows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "exit 0")
	r.checked(`[ -n "$CONSUL_HTTP_TOKEN" ] && exit 1; echo "$ORCH_CLUSTER $ORCH_NODE $ORCH_STATE $ORCH_ARGUMENT $(cat $ORCH_ATTRIBUTES | tr -d ' \n')" > `+dir+`/told; exit 0`, reports)
	d := resting(desired(1, "version 7"))
	d.State.Attributes = map[string]string{"artifact": "seven"}
	d.State.Digest = states.Digest(d.State.Attributes)
	r.want(d)
	r.start()
	r.settled("version 7")
	told := func() string { text, _ := os.ReadFile(dir + "/told"); return strings.TrimSpace(string(text)) }
	want := `web web-01 version 7 {"artifact":"seven"}`
	eventually(t, "it was told", func() bool { return told() == want }, told)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.config.StateDir, "runs", "*attributes*")); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}
