package orchestrator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Finding is something in a cluster's keys that is not as a leader wrote it, or that nobody can tell.
type Finding struct {
	Kind  string `json:"kind"`
	Key   string `json:"key"`             // below clusters/<c>/
	Entry uint64 `json:"entry,omitempty"` // of the journal, that tells it
	Text  string `json:"text"`
}

// The kinds of findings.
const (
	FoundEdited     = "edited"
	FoundDeleted    = "deleted"
	FoundPlanted    = "planted"    // no entry ever wrote it
	FoundMoved      = "moved"      // an entry that lies under another's number
	FoundUnreadable = "unreadable" // it is as it was written, or nobody can tell, and cannot be used
	FoundTorn       = "torn"       // it was not written together with another
	FoundLower      = "lower"      // a counter is below what the journal knows
	FoundRepaired   = "repaired"   // what an operator replaced with orch recover
	FoundUnchecked  = "unchecked"  // what would tell is gone, or was never written; nothing is wrong with that
)

// Wrong tells whether the finding is a fault, and not what was put right or cannot be told.
func (f Finding) Wrong() bool { return f.Kind != FoundUnchecked && f.Kind != FoundRepaired }

// Fsck replays a journal against what lies there. The chain of entries tells which of them are as they
// were written; they tell the digest of every key that a leader ever wrote, and of what it replaced.
func Fsck(ledger states.Ledger, now time.Time) []Finding {
	a := newAudit(ledger)
	a.shape()
	a.links()
	a.replay()
	a.keys()
	a.counters(now)
	a.plain(now)
	a.others()
	return a.result()
}

// audit is an Fsck in the making.
type audit struct {
	states.Ledger
	from    uint64             // number of the first entry that has to be there
	last    uint64             // and of the last one
	sheets  []sheet            // the entries from there on, in the order in which they were written
	holes   []uint64           // numbers of those that are missing or tell nothing
	written map[string]writing // by key: as the journal has it
	faults  map[string]Finding // by key: one each
	past    []Finding          // what was wrong with keys that were replaced since
	notes   []Finding
}

// sheet is a page with the number that it was written with.
type sheet struct {
	states.Page
	no    uint64
	tells bool // it can be read, and is the one of that number
}

// writing is what the journal has of a key: its digest, "" where it is not known, and the entry.
type writing struct {
	digest    string
	by        uint64
	inherited bool // only a compaction tells it
}

func (w writing) String() string {
	if w.inherited {
		return number(w.by) + " restates it"
	}
	return number(w.by) + " wrote it"
}

func newAudit(ledger states.Ledger) *audit {
	return &audit{Ledger: ledger, from: 1, written: map[string]writing{}, faults: map[string]Finding{}}
}

// blame notes a fault of a key, unless one is known already.
func (a *audit) blame(kind, key string, entry uint64, format string, args ...any) {
	if _, known := a.faults[key]; !known {
		a.faults[key] = Finding{kind, key, entry, fmt.Sprintf(format, args...)}
	}
}

// suspect blames, unless an entry that tells nothing any more may have written the key meanwhile.
func (a *audit) suspect(kind, key string, after, until uint64, format string, args ...any) {
	if h := a.hole(after, until); h != 0 {
		a.note(key, after, format+"; "+number(h)+" may have written it, and tells nothing any more", args...)
		return
	}
	a.blame(kind, key, after, format, args...)
}

func (a *audit) note(key string, entry uint64, format string, args ...any) {
	a.notes = append(a.notes, Finding{FoundUnchecked, key, entry, fmt.Sprintf(format, args...)})
}

// result lists faults before limits, entries before other keys.
func (a *audit) result() []Finding {
	findings := slices.Concat(slices.Collect(maps.Values(a.faults)), a.past, a.notes)
	rank := func(f Finding) int {
		switch {
		case !f.Wrong():
			return 2
		case strings.HasPrefix(f.Key, "journal"):
			return 0
		}
		return 1
	}
	slices.SortStableFunc(findings, func(x, y Finding) int {
		return cmp.Or(rank(x)-rank(y), strings.Compare(x.Key, y.Key), cmp.Compare(x.Entry, y.Entry))
	})
	return findings
}

// keys compares what lies there with what was written last.
func (a *audit) keys() {
	all := map[string]bool{}
	for key := range a.written {
		all[key] = true
	}
	for key := range a.Digests {
		all[key] = true
	}
	blind := []string{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		w, known := a.written[key]
		digest, there := a.Digests[key]
		switch {
		case key == states.KeyRecord && there && a.hole(w.by, a.last) == a.last && a.last != 0:
			a.note(key, a.last, "whether it is as it was written cannot be told: %s, which wrote it, is not there", number(a.last))
		case !known:
			a.suspect(FoundPlanted, key, 0, a.last, "no entry of the journal ever wrote it")
		case !there:
			a.blame(FoundDeleted, key, w.by, "%s, and it is gone", w)
		case w.digest == "":
			blind = append(blind, key)
		case w.digest != digest:
			a.suspect(FoundEdited, key, w.by, a.last, "it is not as %s", w)
		}
	}
	if len(blind) > 0 {
		a.note(blind[0], 0, "written by a version that noted no digests, so whether they were edited cannot be told: %s", list(blind))
	}
}

// counters asks that nothing is below what the journal knows.
func (a *audit) counters(now time.Time) {
	var epoch, generation uint64
	for _, s := range a.sheets {
		if _, faulty := a.faults[s.Key]; faulty || !s.tells {
			continue
		}
		if s.Value.Event != states.EventRecovered { // which jumps beyond its own lease
			epoch = max(epoch, s.Value.Epoch)
		}
		generation = max(generation, s.Value.Generation)
	}
	desired, record, leader := a.Desired, a.Record, a.Leader
	if leader.OK() && max(leader.Value.Epoch, desired.Value.Epoch) < epoch {
		a.blame(FoundLower, "leader", 0, "its epoch is %d, and the journal knows epoch %d", leader.Value.Epoch, epoch)
	}
	if desired.OK() && desired.Value.Generation < generation {
		a.blame(FoundLower, states.KeyDesired, 0, "its generation is %d, and the journal knows generation %d", desired.Value.Generation, generation)
	}
	if record.OK() && record.Value.Journal < a.last {
		a.blame(FoundLower, states.KeyRecord, a.last, "it counts %d entries, and the journal has %d", record.Value.Journal, a.last)
	}
	for i := range a.Nodes {
		node := &a.Nodes[i]
		if !node.Status.OK() || !desired.OK() || forgotten(node) || node.Status.Value.Mark.Zero() {
			continue
		}
		if why := node.Status.Value.Mark.Refuses(desired.Value.Mark); why != "" && node.Status.Value.Planted(now) == "" {
			a.blame(FoundLower, "status/"+node.Name, 0, "the node has seen more than lies there: %s", why)
		}
	}
}

// plain looks for what nobody wrote, whatever the journal says: numbers that nobody counted to, and a
// desired state and a record that are no pair.
func (a *audit) plain(now time.Time) {
	p := newPlanner(a.Snapshot, Leading{}, now)
	if a.Desired.OK() && a.Record.OK() {
		if why := p.planted(); why != "" {
			a.add(FoundPlanted, states.KeyDesired, why)
		} else if why := p.torn(); why != "" {
			a.add(FoundTorn, states.KeyDesired, why)
		}
	}
	if why := (states.Mark{Epoch: a.Leader.Value.Epoch}).Planted(now); why != "" {
		a.add(FoundPlanted, "leader", why)
	}
	for _, node := range a.Nodes {
		if why := node.Status.Value.Planted(now); why != "" {
			a.add(FoundPlanted, "status/"+node.Name, why)
		}
	}
}

// add notes a fault, beside what is known of that key.
func (a *audit) add(kind, key, text string) {
	if fault, known := a.faults[key]; known {
		fault.Text += "; " + text
		a.faults[key] = fault
		return
	}
	a.blame(kind, key, 0, "%s", text)
}

// others looks at the documents that the journal has no digests of.
func (a *audit) others() {
	read := func(key, problem string) {
		fault, known := a.faults[key]
		switch {
		case problem == "":
		case known:
			fault.Text += "; it cannot be used: " + problem
			a.faults[key] = fault
		default:
			a.blame(FoundUnreadable, key, 0, "it cannot be used: %s", problem)
		}
	}
	read(states.KeyDesired, a.Desired.Problem)
	read(states.KeyRecord, a.Record.Problem)
	read(states.KeyDefinition, a.Definition.Problem)
	read("leader", a.Leader.Problem)
	read("freeze", a.Freeze.Problem)
	read("freeze of everybody", a.Frozen.Problem)
	for _, node := range a.Nodes {
		read(states.KeyOrders+node.Name, node.Order.Problem)
		read("status/"+node.Name, node.Status.Problem)
	}
	for _, request := range a.Requests {
		read("requests/"+request.Value.ID, request.Problem)
	}
	if !a.Leader.There() && len(a.sheets) > 0 {
		a.blame(FoundDeleted, "leader", 0, "somebody led the cluster, and the key stays when a leader lets go; it is gone")
	}
}

func number(entry uint64) string { return fmt.Sprintf("entry %d", entry) }
