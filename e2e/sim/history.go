package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"orch/orchestrator"
	"orch/states"
	"orch/states/store"
)

const (
	cluster       = "web"
	clusterPrefix = "orch/clusters/web/"
)

// History is everything that happened in a story, in its order. Checks read it, and nothing else.
type History struct {
	Notes []Note
	Calls []Call // that touched the lease or the desired state
}

// Note is one thing that happened. What kind it is, is told by which pointer is set; a note with Text
// alone is for people.
type Note struct {
	At     time.Duration // since the story began
	Who    string        // the process that did it: "n3#2"; empty: the world
	Text   string
	Write  *Write                // keys changed
	Reset  bool                  // of the store: a snapshot was restored, or keys were taken away by hand. Write has all that lies there now
	Start  *Exec                 // a converge began
	End    *Exec                 // and ended
	Saved  *Saved                // an agent wrote its memory down
	Exit   *Exit                 // a command ended
	Sensed *Sensed               // what a gate said
	Left   string                // in the end a service is in maintenance, for this reason
	Found  *orchestrator.Finding // by fsck, at the end
	Calm   string                // from here on nothing goes wrong any more: what is to be reached from here, and by when

	Shown  time.Duration // that the clock of whoever did it showed too much, at the most
	Set    bool          // that clock was set a moment ago, and it may have gone by what it showed before
	Beside string        // what happened beside something that excludes it
}

// now is the time as whoever did it saw it.
func (n *Note) now() time.Time { return epoch.Add(n.At + n.Shown) }

// Exec is one process of a converge on a machine.
type Exec struct {
	PID     int
	At      time.Duration // when it began
	Machine string        // two machines may go by one node's name
	Node    string
	Run     states.Run
	Boot    int
	Outcome states.Outcome
	Traffic string       // what is wrong with that of its service
	Real    states.State // that the machine is in now
}

// Saved is what an agent durably knows.
type Saved struct {
	Machine  string
	Instance string
	Mark     states.Mark
}

// Exit is how a command ended.
type Exit struct {
	Request states.Request
	Answer  states.Answer
	Record  states.Record
	Err     string
}

// Write is a change of keys.
type Write struct {
	Index uint64
	Docs  []Doc
}

// Doc is what lies at a key from now on. Gone: nothing does.
type Doc struct {
	Room, Name string
	Gone       bool
	Session    string
	Desired    *states.Desired
	Record     *states.Record
	Order      *states.Order
	Status     *states.Status
	Leader     *states.Leader
	Entry      *states.Entry
	Freeze     *states.Freeze
	Request    *states.Request
	Bad        bool // nobody can read it
}

// read decodes a pair as it was written.
func readDoc(m *store.Memo, pair store.Pair) Doc {
	room, name := roomOf(pair.Key)
	d := Doc{Room: room, Name: name, Gone: pair.Index == 0, Session: pair.Session}
	if d.Gone {
		return d
	}
	var err error
	switch room {
	case "desired":
		d.Desired, err = decode[states.Desired](m, pair)
	case "transition":
		d.Record, err = decode[states.Record](m, pair)
	case "orders":
		d.Order, err = decode[states.Order](m, pair)
	case "status":
		d.Status, err = decode[states.Status](m, pair)
	case "leader":
		d.Leader, err = decode[states.Leader](m, pair)
	case "journal":
		d.Entry, err = decode[states.Entry](m, pair)
	case "freeze":
		d.Freeze, err = decode[states.Freeze](m, pair)
	case "requests":
		d.Request, err = decode[states.Request](m, pair)
	}
	d.Bad = err != nil
	return d
}

// decode reads what orch would not follow too. What it follows is read once for all who do.
func decode[T any](m *store.Memo, pair store.Pair) (*T, error) {
	if doc := store.Said[T](m, pair); doc.OK() {
		return &doc.Value, nil
	}
	value := new(T)
	if err := json.Unmarshal(pair.Value, value); err != nil {
		return nil, err
	}
	return value, nil
}

func readWrite(m *store.Memo, index uint64, pairs []store.Pair) *Write {
	w := &Write{Index: index}
	for _, pair := range pairs {
		w.Docs = append(w.Docs, readDoc(m, pair))
	}
	return w
}

// Violation is a promise that was not kept.
type Violation struct {
	Check string
	At    time.Duration
	Note  int // index in the history
	Text  string
}

func (v Violation) String() string { return fmt.Sprintf("%s at %s: %s", v.Check, v.At, v.Text) }

// Print tells a history as a story, the last so many notes of it.
func (h *History) Print(most int) string {
	var b strings.Builder
	from := max(0, len(h.Notes)-most)
	if from > 0 {
		fmt.Fprintf(&b, "… %d earlier notes\n", from)
	}
	for _, n := range h.Notes[from:] {
		fmt.Fprintf(&b, "%12.4fs  %-10s %s\n", n.At.Seconds(), n.Who, n.line())
	}
	return b.String()
}

// line tells a note in one line.
func (n *Note) line() string {
	switch {
	case n.Reset:
		return "RESET " + n.Text
	case n.Write != nil:
		var parts []string
		for _, doc := range n.Write.Docs {
			parts = append(parts, doc.line())
		}
		return fmt.Sprintf("[%d] %s", n.Write.Index, strings.Join(parts, "; "))
	case n.Start != nil:
		return fmt.Sprintf("RUN %d of %s begins: %s to %s, generation %d, %s", n.Start.PID, n.Start.Machine, n.Start.Run.ID, n.Start.Run.State, n.Start.Run.Generation, n.Start.Run.Under)
	case n.End != nil:
		return fmt.Sprintf("RUN %d of %s ends: %s, it is at %s", n.End.PID, n.End.Machine, n.End.Outcome, n.End.Real)
	case n.Saved != nil:
		return fmt.Sprintf("accepts epoch %d, generation %d, %s", n.Saved.Mark.Epoch, n.Saved.Mark.Generation, n.Saved.Mark.Transition)
	case n.Sensed != nil:
		return fmt.Sprintf("GATE %s says %s of batch %d", n.Sensed.Gate, n.Sensed.Outcome, n.Sensed.Batch)
	case n.Left != "":
		return "LEFT in maintenance: " + n.Left
	case n.Found != nil:
		return fmt.Sprintf("FSCK %s %s: %s", n.Found.Kind, n.Found.Key, n.Found.Text)
	case n.Exit != nil:
		return fmt.Sprintf("EXIT %s: refused=%t %s %s %s", n.Exit.Request.Kind, n.Exit.Answer.Refused, n.Exit.Answer.Reason, n.Exit.Record.Status, n.Exit.Err)
	}
	return n.Text
}

func (d Doc) line() string {
	name := d.Room
	if d.Name != "" && d.Room != "journal" {
		name += "/" + d.Name
	}
	switch {
	case d.Gone:
		return name + " gone"
	case d.Bad:
		return name + " garbage"
	case d.Desired != nil:
		v := d.Desired
		return fmt.Sprintf("desired e%d g%d %s -> %s from %v stable %s open=%t joiners=%s again=%s", v.Epoch, v.Generation, v.Transition, v.State, v.From, v.Stable, v.Open, v.Joiners, v.Again)
	case d.Record != nil:
		v := d.Record
		return fmt.Sprintf("record %s %s hop %d batch %d of %d %v counted %d", v.ID, v.Status, v.Hop, v.Batch.Number, v.Batch.Size, v.Batch.Nodes, len(v.Counted))
	case d.Order != nil:
		v := d.Order
		return fmt.Sprintf("%s run %s g%d void=%q held=%t forgotten=%t", name, v.Run, v.Generation, v.Void, v.Held != nil, v.Forgotten != nil)
	case d.Status != nil:
		v := d.Status
		return fmt.Sprintf("%s alive=%t %s at %s trying %s e%d g%d run %s %s/%t (%s)", name, d.Session != "", v.Phase, v.State, v.Attempting, v.Epoch, v.Generation, v.Run.ID, v.Run.Outcome, v.Run.Terminal, states.Clip(v.Reason, 90))
	case d.Leader != nil:
		return fmt.Sprintf("leader %s epoch %d held=%t", d.Leader.Who, d.Leader.Epoch, d.Session != "")
	case d.Entry != nil:
		return fmt.Sprintf("JOURNAL %d %s: %s", d.Entry.Seq, d.Entry.Event, d.Entry.Reason)
	case d.Request != nil:
		return fmt.Sprintf("request %s %s %s", d.Request.ID, d.Request.Kind, d.Request.Target)
	}
	return name
}
