package main

import (
	"fmt"
	"strings"
	"time"

	"orch/states"
)

// statusOptions is what differs between the screens of a cluster.
type statusOptions struct {
	all    bool     // every node, also the dull ones
	live   bool     // redrawn while a move runs
	rows   int      // how many nodes fit; 0: all of them
	notes  []string // what a person should know of Consul and the lease
	leads  bool     // this process leads, or would
	remedy bool     // say what to type next
}

// wideFrom is the width from which a screen shows what a narrow one leaves out.
const wideFrom = 100

// status puts the screen of one cluster on the page.
func (v *view) statusScreen(p *page, o statusOptions) {
	v.head(p)
	v.condition(p)
	v.problems(p)
	if !v.usable() {
		v.nodeTable(p, o)
		return
	}
	if v.record.Status == states.Running {
		v.bar(p)
	}
	if v.moving() {
		v.batchTable(p)
	}
	v.nodeTable(p, o)
	v.lastLines(p, o)
	v.footer(p, o)
}

// head is the first line: which cluster, where it goes, where this was read, and when.
func (v *view) head(p *page) {
	left := []span{{v.Cluster, bold}, text("  " + v.heading())}
	if v.Desired.OK() {
		left = append(left, text(fmt.Sprintf("   generation %d", v.desire.Generation)))
	}
	right := v.place.Datacenter + "  " + v.now.Format("15:04:05Z")
	if p.width >= wideFrom {
		right = v.place.Datacenter + "  " + v.place.Address + "  " + v.now.Format("15:04:05Z")
	}
	p.sides(left, right)
}

// condition says whether the cluster moves, and who leads it.
func (v *view) condition(p *page) {
	if !v.usable() {
		p.wrap(span{strings.ToUpper(v.status()) + "  ", red}, v.reason())
		if len(v.waits) > 0 && v.waits[0].Remedy != "" {
			p.wrap(text("what helps: "), v.waits[0].Remedy)
		}
		return
	}
	switch v.record.Status {
	case states.Running:
		v.running(p)
	case states.Paused:
		v.paused(p)
	case states.Aborted:
		p.wrap(span{"ABORTED, ", yellow}, ago(v.now.Sub(v.record.EndedAt))+" ago: "+v.record.Reason)
		p.say(v.leaderLine())
	default:
		v.resting(p)
	}
}

func (v *view) running(p *page) {
	what := "   "
	if len(v.record.Hops) > 1 {
		what += fmt.Sprintf("hop %d of %d, to %s   ", v.record.Hop+1, len(v.record.Hops), v.record.Current().State)
	}
	if now, total := v.progress(); total > 0 {
		what += fmt.Sprintf("batch %d of %d   ", now, total)
	}
	left := []span{{"RUNNING", green}, text(what)}
	if v.record.Undoes != "" {
		left[0] = span{"ROLLING BACK", yellow}
	}
	switch {
	case v.awaiting():
		v.waitingFor(p)
		return
	case v.barred("freeze") != "": // by whom, and why, stands below
		p.sides([]span{{"FROZEN", yellow}, text(what + v.untilThen("it is thawed"))}, v.why())
		return
	case v.barred(states.AwaitWindow) != "" && !v.going():
		p.wrap(span{"WAITING FOR A WINDOW  ", yellow}, v.barred(states.AwaitWindow))
		p.sides([]span{text(strings.TrimLeft(what, " ") + v.untilThen("it opens"))}, v.why())
		return
	}
	if !v.Led {
		left[0].style = yellow
		p.sides(append(left, span{"nobody leads: " + v.unledEffect(), yellow}), v.why())
		return
	}
	if v.record.Automatic() { // nobody asked for it: why it goes back comes first
		p.add(append(left, text(v.leaderLine()))...)
		p.wrap(span{"because  ", dim}, v.record.Why)
		return
	}
	p.sides(append(left, text(v.leaderLine())), v.why())
}

// waitingFor says what is to be approved, and that nothing is lost meanwhile.
func (v *view) waitingFor(p *page) {
	p.wrap(span{"WAITING FOR APPROVAL  ", yellow}, v.record.Reason)
	p.sides([]span{text(v.untilThen("then"))}, v.why())
}

// untilThen says who leads a move that waits for what no leader can bring about.
func (v *view) untilThen(then string) string {
	if v.Led {
		return v.leaderLine()
	}
	return "nobody leads, and nobody has to until " + then
}

// barred gives why nothing may begin, where that is of a kind, or "".
func (v *view) barred(kind string) string {
	for _, w := range v.waits {
		if w.Kind == kind && w.Node == "" && v.record.Status == states.Running {
			return w.Reason
		}
	}
	return ""
}

// going tells whether a batch is under way.
func (v *view) going() bool {
	b := v.record.Batch
	return b.Number != 0 && b.Hop == v.record.Hop && b.Ended.IsZero()
}

// unledEffect says what follows from nobody leading a move that is under way.
func (v *view) unledEffect() string {
	if v.desire.Open {
		return "the nodes go on, and nobody counts"
	}
	return "nothing more will be let go"
}

func (v *view) why() string {
	if v.record.Why == "" || v.record.Automatic() { // that says so at length
		return ""
	}
	return "reason: " + visible(v.record.Why)
}

// pausedHow says, by its cause, what kind of pause it is. The reason behind it says the rest.
var pausedHow = map[string]string{
	states.ByFailures: "PAUSED after a failure",
	states.ByGate:     "PAUSED by a gate",
	states.ByDoubt:    "PAUSED, a gate has no answer",
	states.ByHealth:   "PAUSED after the soak",
	states.ByDeadline: "PAUSED without progress",
	states.ByRequires: "PAUSED for another cluster",
	states.ByMembers:  "PAUSED for want of nodes",
	states.ByBirth:    "PAUSED since birth",
	states.ByRecover:  "PAUSED since it was recovered",
}

func (v *view) paused(p *page) {
	how := first(pausedHow[v.record.Cause], "PAUSED")
	if v.record.Undoes != "" {
		how += " on the way back"
	}
	p.wrap(span{how + ", ", yellow}, ago(v.now.Sub(v.record.PausedAt))+" ago: "+v.record.Reason)
	line := v.leaderLine()
	if cells(visible(line)) > p.width { // that nothing more is let go is what a pause is
		line = strings.TrimSuffix(line, ": "+v.unledEffect())
	}
	p.sides([]span{text(line)}, v.why())
}

func (v *view) resting(p *page) {
	since := ""
	if !v.record.EndedAt.IsZero() {
		since = " since " + clock(v.record.EndedAt, v.now)
	}
	if v.record.Automatic() { // what was asked for did not happen, and nobody may overlook that
		p.wrap(span{"ROLLED BACK" + since + "  ", yellow}, v.record.Why)
	}
	if v.settled() {
		left := append([]span{{"SETTLED", green}, text(since)}, v.driftSpans()...)
		p.sides(append(left, text("   "+v.leaderLine())), v.why())
		return
	}
	missing := v.count(func(n nodeView) bool { return alive(n) && !n.There })
	p.sides(append([]span{{"DONE", green}, text(since + "   "), {states.Count(missing, "live node") + " not at " + v.desire.State.String() + " yet", yellow}}, v.driftSpans()...), v.why())
}

// leaderLine says who leads, and what it means that nobody does.
func (v *view) leaderLine() string {
	leader := v.Leader.Value
	switch {
	case v.Led && v.Leader.OK():
		return "led by " + leader.Who + " for " + ago(v.now.Sub(leader.Since))
	case v.Led:
		return "led by somebody whose name cannot be read: " + v.Leader.Problem
	case !v.usable() || v.record.Status == states.Done:
		return "nobody leads, nobody has to"
	case v.Leader.OK() && !leader.Released.IsZero():
		return "nobody leads since " + clock(leader.Released, v.now) + " (" + leader.Who + " let go): " + v.unledEffect()
	case v.Leader.OK() && leader.Who != "":
		return "nobody leads (" + leader.Who + " was the last): " + v.unledEffect()
	}
	return "nobody leads: " + v.unledEffect()
}

// unreadable lists the documents that lie in Consul and cannot be used.
func (v *view) unreadable() []string {
	var list []string
	for _, doc := range []struct{ key, problem string }{
		{"definition", v.Definition.Problem}, {"desired", v.Desired.Problem}, {"transition", v.Record.Problem},
		{"leader", v.Leader.Problem}, {"freeze", first(v.Frozen.Problem, v.Freeze.Problem)},
	} {
		if doc.problem != "" {
			list = append(list, doc.key+": "+doc.problem)
		}
	}
	return list
}

// problems lists what lies in Consul and cannot be used, and who froze the cluster.
func (v *view) problems(p *page) {
	for _, problem := range v.unreadable() {
		p.wrap(span{"unreadable: ", red}, problem)
	}
	for _, freeze := range []states.Doc[states.Freeze]{v.Frozen, v.Freeze} {
		if freeze.OK() {
			p.wrap(span{"frozen ", yellow}, freeze.Value.String())
		}
	}
	for _, wait := range v.waits {
		if unfollowed(wait.Kind) {
			p.wrap(span{wait.Kind + ": ", red}, wait.Reason+"; "+wait.Remedy)
		}
	}
}

// unfollowed tells whether a reason is one that documents give which can all be read.
func unfollowed(kind string) bool { return kind == "overtaken" || kind == "planted" || kind == "torn" }

// bar draws how many members are there, how many converge, and how long it may take.
func (v *view) bar(p *page) {
	total := len(v.record.Members)
	there := v.count(func(n nodeView) bool { return n.Member && n.There })
	going := v.count(func(n nodeView) bool { return n.Member && !n.There && n.underWay() })
	long, size := "", 40
	if p.width >= wideFrom {
		size = 60
		long = fmt.Sprintf("    %d converging", going)
	}
	if total == 0 {
		p.say("no member: no agent is alive")
		return
	}
	full, part := there*size/total, going*size/total
	line := fmt.Sprintf("] %d of %s%s", there, states.Count(total, "node"), long)
	if left := v.left(); left > 0 {
		line += "    about " + about(left) + " left"
	}
	p.add(text("["), span{strings.Repeat("#", full), green}, span{strings.Repeat(">", part), yellow},
		text(strings.Repeat(".", size-full-part)+line))
}

// about rounds an estimate to what can be believed of it.
func about(d time.Duration) string {
	if d < 90*time.Second {
		return ago(max(d.Round(10*time.Second), 10*time.Second))
	}
	return fmt.Sprintf("%dm", int(d.Round(time.Minute).Minutes()))
}
