package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Story is what happens to a cluster, by a seed: how large it is, how it is moved, who types what when,
// and what goes wrong. Dropping events makes another story of it, which is how a failing one shrinks.
type Story struct {
	Seed    uint64
	Nodes   int
	Length  time.Duration // until everything is mended
	TTL     time.Duration // of agents' sessions
	Text    string        // of the definition
	Rough   bool          // snapshots are restored, keys taken away
	Events  []Event
	Care    Care
	Sky     Sky
	Outside Outside

	FailRate, SlowRate, HangRate float64 // of runs

	Told  string        // the name of one that was made by hand: in it happens what it says, and nothing else
	Takes time.Duration // each of its runs
}

// Event is one thing that happens at a time, or in a moment: at the first one of that name after the
// time. Who it happens to is then whoever is in that moment, where it says "it".
type Event struct {
	At  time.Duration
	On  string
	Do  string
	Who string
	For time.Duration
	Arg string
}

func (e Event) String() string {
	text := fmt.Sprintf("%s %s %s", e.At.Round(time.Millisecond), e.Do, e.Who)
	if e.Arg != "" {
		text += " " + e.Arg
	}
	if e.For > 0 {
		text += " for " + e.For.Round(time.Millisecond).String()
	}
	if e.On != "" {
		text += ", in the moment " + e.On
	}
	return text
}

// Tell makes the story of a seed.
func Tell(seed uint64) Story {
	r := dice{seed}.throw("story", 0)
	s := Story{Seed: seed, Nodes: 2 + r.IntN(5), TTL: pick(r, []time.Duration{10, 30, 60, 300}) * time.Second}
	s.Rough = r.IntN(3) == 0
	s.Text = definition(r)
	if r.IntN(3) > 0 {
		s.FailRate = pick(r, []float64{0.02, 0.1, 0.3})
	}
	s.SlowRate, s.HangRate = pick(r, []float64{0, 0.05, 0.2}), pick(r, []float64{0, 0, 0.02, 0.1})
	t := &teller{r: r, s: &s}
	for range 1 + r.IntN(3) {
		t.busy()
		s.Length += between(r, 5*time.Minute, 2*time.Hour) / quiets[s.TTL]
	}
	t.care()
	t.harsh()
	t.outside()
	t.rest()
	slices.SortStableFunc(s.Events, func(a, b Event) int { return int(a.At - b.At) })
	return s
}

// After a busy time it is quiet: agents renew their sessions, and look. The shorter those are, the more
// often they do so, and the shorter it is quiet. quiets divides by the sessions' TTL, and rests are the
// hours that a cluster lives on at the most in the end, before anybody mends anything.
var (
	quiets = map[time.Duration]time.Duration{10 * time.Second: 4, 30 * time.Second: 2, time.Minute: 1, 5 * time.Minute: 1}
	rests  = map[time.Duration]time.Duration{time.Minute: 6 * time.Hour, 5 * time.Minute: 18 * time.Hour}
)

// rest adds the end, where nodes do not converge by themselves again and again.
func (t *teller) rest() {
	if t.s.Care.Period == 0 {
		t.s.Length += between(dice{t.s.Seed}.throw("rest", 0), 0, rests[t.s.TTL])
	}
}

// definition makes a cluster with some policy.
func definition(r *rand.Rand) string {
	var p []string
	add := func(format string, args ...any) { p = append(p, fmt.Sprintf("  "+format, args...)) }
	add("batches = [%s]", pick(r, []string{"1", "1, 2", "2", "1, \"50%\"", "\"34%\"", "\"100%\"", "3"}))
	add("converge_timeout = %q", pick(r, []string{"30s", "60s", "2m"}))
	add("retries = %d", pick(r, []int{0, 0, 1, 2}))
	add("retry_delay = %q", pick(r, []string{"1s", "5s", "15s"}))
	add("max_failures = %s", pick(r, []string{"0", "0", "1", "\"34%\"", "2"}))
	add("on_failure = %q", pick(r, []string{"pause", "pause", "continue", "rollback"}))
	add("on_lost = %q", pick(r, []string{"fail", "fail", "skip"}))
	if r.IntN(4) == 0 {
		add("min_healthy = %s", pick(r, []string{"1", "\"50%\""}))
	}
	if r.IntN(4) == 0 {
		add("soak = %q", pick(r, []string{"5s", "30s"}))
	}
	if r.IntN(6) == 0 {
		add("approve = %q", pick(r, []string{"after_first_batch", "before_start"}))
	}
	if r.IntN(5) == 0 {
		add("joiners = %q", pick(r, []string{"stable", "target", "wait"}))
	}
	if r.IntN(5) == 0 {
		add("progress_deadline = %q", pick(r, []string{"5m", "15m"}))
	}
	return webWith(p, pick(r, []string{"\"100%\"", "\"100%\"", "1", "\"50%\""}))
}

// webWith spells the cluster that all stories are about, with a policy and the batches of a way to off.
func webWith(policy []string, off string) string {
	return fmt.Sprintf(`policy {
%s
}

cluster "web" {
  initial = "off"
  state "off" { serving = false }
  state "waiting" { serving = false }
  state "converged" {}
  state "version" {
    argument { pattern = "[0-9]+" }
  }
  transition "off" {
    from    = ["*"]
    batches = [%s]
  }
  transition "waiting" { from = ["off"] }
  transition "converged" { from = ["waiting", "version"] }
  transition "version" { from = ["converged", "version"] }
}
`, strings.Join(policy, "\n"), off)
}

// teller makes the events of a story.
type teller struct {
	r       *rand.Rand
	s       *Story
	version int
}

func (t *teller) add(e Event) { t.s.Events = append(t.s.Events, e) }

func (t *teller) node() string { return fmt.Sprintf("n%d", 1+t.r.IntN(t.s.Nodes)) }

// busy is a time in which somebody moves the cluster, and things go wrong.
func (t *teller) busy() {
	begin := t.s.Length
	t.s.Length += between(t.r, 8*time.Minute, 30*time.Minute)
	t.commands(begin)
	for range 4 + t.r.IntN(12) {
		t.add(t.fault(begin))
	}
}

// commands are what operators type: moves most of the time, and in their middle whatever comes to mind.
func (t *teller) commands(at time.Duration) {
	for at += between(t.r, 5*time.Second, 30*time.Second); at < t.s.Length-time.Minute; at += pick(t.r, []time.Duration{between(t.r, 0, 5*time.Second), between(t.r, 20*time.Second, 2*time.Minute), between(t.r, time.Minute, 8*time.Minute)}) {
		t.version++
		arg := pick(t.r, []string{"converged", fmt.Sprint("version ", t.version), fmt.Sprint("version ", t.version), fmt.Sprint("version ", max(1, t.version-1)), "off", "waiting"})
		if t.version == 1 {
			arg = "converged"
		}
		e := Event{At: at, Do: "transition", Arg: arg}
		if t.r.IntN(4) == 0 {
			e.Arg += " supersede"
		}
		t.add(e)
		for range t.r.IntN(4) {
			t.add(t.word(at))
		}
	}
}

var words = []string{"pause", "pause", "resume", "resume", "resume accept", "abort", "rollback", "rollback", "retry", "approve", "hold", "unhold", "reconverge", "freeze", "thaw", "forget", "unlock", "transition"}

// word is one thing that is typed soon after a move was asked for, or at a bad moment of it.
func (t *teller) word(at time.Duration) Event {
	do, arg, _ := strings.Cut(pick(t.r, words), " ")
	e := Event{At: at + between(t.r, 0, 4*time.Minute), Do: do, Arg: arg, Who: t.node()}
	if do == "transition" {
		e.Arg = fmt.Sprintf("version %d supersede", 100+t.r.IntN(3))
	}
	if do == "freeze" || do == "hold" {
		e.For = between(t.r, 5*time.Second, 5*time.Minute)
	}
	if t.r.IntN(3) == 0 {
		e.On = pick(t.r, moments)
	}
	return e
}

// moments are the instants at which something happens most gladly.
var moments = []string{"before claim", "after claim", "after commit batch", "before commit batch", "before commit opened", "after commit opened",
	"before commit counted", "after commit counted", "after commit batch_done", "before commit hop", "after commit hop", "before commit done", "before commit paused", "after commit paused",
	"before commit halted", "after commit halted", "after commit accepted", "before commit orders", "after commit orders", "before report", "after report", "run", "before save", "after save",
	"before lock leader", "after lock leader", "before unlock leader", "before lock status", "after lock status", "after commit resumed", "before write requests", "after write requests"}

// leading are those of leaders.
var leading = []string{"before lock leader", "before lock leader", "before lock leader", "before lock leader", "after lock leader", "before commit batch", "before commit opened", "before commit counted", "before commit accepted", "before commit batch_done",
	"before commit orders", "before commit paused", "before commit halted", "before commit resumed", "before commit hop", "before commit done", "before commit members", "before commit replaced",
	"before commit aborted", "before commit rollback", "before commit retried", "after commit accepted", "after commit batch", "after commit opened", "after commit counted", "before write requests"}

// first is the story of its first busy time only.
func (s Story) first() Story {
	s.Length = min(s.Length, 20*time.Minute)
	s.Events = slices.DeleteFunc(slices.Clone(s.Events), func(e Event) bool { return e.At > s.Length })
	return s
}

// kinds are what can go wrong with anybody, and rough is what can go wrong with the store.
var (
	kinds = []string{"crash", "crash", "crash", "reboot", "off", "freeze process", "freeze process", "cut", "cut", "cut in", "cut out", "refuse", "storm", "late", "slow", "bad", "disk full", "reinstall", "failover", "deny"}
	rough = []string{"restore", "restore", "restore", "wipe", "garbage", "twin"}
)

// fault is one thing that goes wrong.
func (t *teller) fault(begin time.Duration) Event {
	e := Event{At: between(t.r, begin+5*time.Second, t.s.Length), Who: t.node()}
	switch t.r.IntN(6) {
	case 0:
		e.On = pick(t.r, moments)
	case 3, 4: // of an agent that is just about to begin, or has just begun
		e.On, e.Who = pick(t.r, []string{"before claim", "before claim", "before claim", "after claim", "after claim", "before report"}), "it"
		e.Do = pick(t.r, []string{"freeze process", "freeze process", "freeze process", "slow", "late", "storm", "cut in", "crash", "reboot"})
	case 1:
		e.On, e.Who = pick(t.r, moments), "it"
	case 2: // of a leader that is just about to do something, or has just done it
		e.On, e.Who = pick(t.r, leading), "it"
		e.Do = pick(t.r, []string{"freeze process", "freeze process", "crash", "late", "late", "slow", "storm", "cut in", "cut", "relief", "relief"})
	}
	if t.r.IntN(4) == 0 && e.On == "" {
		e.Who = "leader"
	}
	choice := kinds
	if t.s.Rough {
		choice = slices.Concat(kinds, rough)
	}
	if e.Do == "" {
		e.Do = pick(t.r, choice)
	}
	switch e.Do {
	case "relief":
		e.For = between(t.r, time.Second, 20*time.Second)
	case "off", "freeze process", "cut", "cut in", "cut out", "refuse", "storm", "late", "slow", "bad", "disk full", "deny":
		e.For = pick(t.r, []time.Duration{between(t.r, time.Second, 20*time.Second), between(t.r, 20*time.Second, 3*time.Minute), between(t.r, 3*time.Minute, 15*time.Minute)})
	case "restore":
		e.For = between(t.r, 5*time.Second, 5*time.Minute) // that it is old
	case "garbage":
		e.Arg = pick(t.r, []string{"desired", "orders/" + t.node(), "status/" + t.node(), "transition", "freeze", "planted desired", "planted transition", "planted leader"})
	}
	return e
}
