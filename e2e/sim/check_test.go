package sim

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// tale is a history that was made up, to see that a check notices what is wrong with it.
type tale struct{ History }

func (t *tale) note(n Note) *tale {
	n.At = time.Duration(len(t.Notes)) * 15 * time.Second
	if n.Start != nil {
		n.Start.At = n.At
	}
	t.Notes = append(t.Notes, n)
	return t
}

func (t *tale) wrote(who string, docs ...Doc) *tale {
	return t.note(Note{Who: who, Write: &Write{Index: uint64(len(t.Notes)), Docs: docs}})
}

var (
	v1, v2 = states.State{Name: "version", Argument: "1", Serving: true}, states.State{Name: "version", Argument: "2", Serving: true}
	minute = states.Duration(time.Minute)
)

func mark(epoch, generation uint64) states.Mark {
	return states.Mark{Epoch: epoch, Generation: generation, Transition: "t-1"}
}

func aDesired(epoch, generation uint64, open bool) Doc {
	return Doc{Room: "desired", Desired: &states.Desired{Mark: mark(epoch, generation), State: v2, Stable: v1, From: []states.State{v1}, Open: open, Joiners: states.JoinersStable, Timeout: minute}}
}

func aRecord(size int, members ...string) Doc {
	r := &states.Record{ID: "t-1", Status: states.Running, Hops: []states.Hop{{State: v2}}, Batch: states.Batch{Number: 1, Size: size}}
	for _, m := range members {
		r.Members = append(r.Members, states.Member{Node: m})
	}
	return Doc{Room: "transition", Record: r}
}

func aLease(session string, epoch uint64) Doc {
	return Doc{Room: "leader", Session: session, Leader: &states.Leader{Epoch: epoch}}
}

func anEntry(seq uint64, event string) Doc {
	return Doc{Room: "journal", Entry: &states.Entry{Seq: seq, Event: event, Transition: "t-1"}}
}

func anOrder(node, run string, generation uint64) Doc {
	return Doc{Room: "orders", Name: node, Order: &states.Order{Transition: "t-1", Generation: generation, Run: run, Instance: "i-" + node, State: v2}}
}

func aRun(id string, generation uint64) states.Run {
	return states.Run{ID: id, State: v2, Transition: "t-1", Generation: generation, Under: states.UnderOrder, Attempt: 1, Timeout: minute, Started: epoch}
}

func aStatus(node string, run states.Run) Doc {
	s := &states.Status{Instance: "i-" + node, Mark: mark(1, 2), Phase: states.Converging, Attempting: v2, Run: run}
	return Doc{Room: "status", Name: node, Session: "s-" + node, Status: s}
}

func begins(pid int, node, run string) Note {
	return Note{Who: node + "#1", Start: &Exec{PID: pid, Machine: node, Node: node, Run: aRun(run, 2)}}
}

func ends(pid int, node string, real states.State) Note {
	return Note{Who: node, End: &Exec{PID: pid, Machine: node, Node: node, Run: aRun("r-1", 2), Real: real}}
}

// going is a cluster in a batch of one, with the lease in orch1's hands.
func going() *tale {
	t := &tale{}
	return t.wrote("orch1", aLease("s1", 1)).wrote("orch1", anEntry(1, states.EventAccepted), aDesired(1, 2, false), aRecord(1, "n1", "n2")).
		wrote("n1#1", Doc{Room: "status", Name: "n1", Session: "s-n1", Status: &states.Status{Instance: "i-n1"}})
}

func joins(node string, to states.State, generation uint64) Note {
	run := aRun("r-9", generation)
	run.Under, run.State = states.UnderJoiner, to
	return Note{Who: node + "#1", Start: &Exec{PID: 9, Machine: node, Node: node, Run: run}}
}

func anotherDesired(generation uint64) Doc {
	d := aDesired(1, generation, false)
	d.Desired.Transition, d.Desired.State = "t-2", states.State{Name: "version", Argument: "3", Serving: true}
	return d
}

func (d Doc) settledAt(state states.State) Doc {
	d.Status.State, d.Status.Attempting, d.Status.Phase = state, states.State{}, states.Settled
	d.Status.Run.Outcome, d.Status.Run.Terminal = states.Succeeded, true
	return d
}

// ordered is a batch of one that goes.
func ordered() *tale {
	batch := aRecord(1, "n1", "n2")
	batch.Record.Batch.Nodes, batch.Record.Hops[0].Policy.ConvergeTimeout = []string{"n1"}, minute
	return going().wrote("orch1", anEntry(2, states.EventBatch), batch, anOrder("n1", "r-1", 2)).wrote("n1#1", aStatus("n1", states.Run{}))
}

// soaking, asksFirst and keepsOne are records whose policy wants something before nodes go.
func soaking() Doc {
	d := aRecord(1, "n1", "n2")
	d.Record.Hops[0].Policy.Soak, d.Record.Batch.Count, d.Record.Batch.Ended = minute, 1, epoch.Add(75*time.Second)
	return d
}

func asksFirst() Doc {
	d := aRecord(1, "n1", "n2")
	d.Record.Hops[0].Policy.Approve, d.Record.Batch = states.ApproveBeforeStart, states.Batch{}
	return d
}

func (d Doc) approved() Doc {
	d.Record.Approvals = []states.Approval{{By: "ada"}}
	return d
}

func keepsOne() Doc {
	d := aRecord(1, "n1", "n2")
	d.Record.Hops[0].Policy.MinHealthy = states.Nodes(1)
	return d
}

func (d Doc) void() Doc {
	d.Order.Void = "it is given up"
	return d
}

// restored is a node that runs as a snapshot comes back, with what its status was in that, and another that may
// begin to.
func restored(n1 Doc) *tale {
	return ordered().wrote("n1#1", aStatus("n1", aRun("r-1", 2))).note(begins(1, "n1", "r-1")).note(aSnapshot(n1))
}

// aSnapshot comes back in which a second node may begin to run.
func aSnapshot(n1 Doc) Note {
	return Note{Reset: true, Text: "a snapshot", Write: &Write{Docs: []Doc{aDesired(1, 2, false), aRecord(1, "n1", "n2"), n1, aStatus("n2", states.Run{}), anOrder("n2", "r-2", 2)}}}
}

// onceMore is the order of a node that is there, and is to converge there once more.
func (d Doc) onceMore() Doc {
	d.Order.Again = "t-1"
	return d
}

func (d Doc) doneAgain() Doc {
	d.Status.AgainDone = "t-1"
	return d
}

// silent is a node whose session has ended.
func silent(node string) Doc {
	d := aStatus(node, states.Run{})
	d.Session = ""
	return d
}

// quiet lets time pass in which nothing happens.
func (t *tale) quiet(notes int) *tale {
	for range notes {
		t.note(Note{})
	}
	return t
}

// These look like what checks are for, and are as they should be.
func TestChecksAreSilent(t *testing.T) {
	tales := map[string]*tale{
		"spent, another run":            going().note(begins(1, "n1", "r-1")).note(ends(1, "n1", v2)).wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).note(begins(2, "n1", "r-2")),
		"charged, and it has not ended": ordered().wrote("n1#1", aStatus("n1", aRun("r-1", 2))).wrote("orch1", anEntry(3, states.EventCounted), anOrder("n1", "r-1", 2).void()),
		"charged, and it was to do it once more": ordered().wrote("orch1", anOrder("n1", "r-3", 2).onceMore()).wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).
			wrote("orch1", anEntry(3, states.EventCounted), anOrder("n1", "r-3", 2).onceMore().void()),
		"bound, and a restore erased a run": restored(aStatus("n1", states.Run{})),
		"overdue, and the time is not up":   ordered().wrote("", silent("n1")).quiet(3).wrote("orch1", anEntry(3, states.EventBatchDone)),
		"overdue, and given up":             ordered().wrote("", silent("n1")).quiet(20).wrote("orch1", anOrder("n1", "r-1", 2).void()).wrote("orch1", anEntry(3, states.EventBatchDone)),
		"overdue, under another leader":     ordered().wrote("", silent("n1")).quiet(20).wrote("orch2", aLease("s2", 2)).wrote("orch2", anEntry(3, states.EventBatchDone)),
		"turns, and the last one is over":   ordered().wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).wrote("orch1", anEntry(3, states.EventBatch)),
		"turns, and it was given up":        ordered().wrote("orch1", anOrder("n1", "r-1", 2).void()).wrote("orch1", anEntry(3, states.EventBatch)),
		"opened for one that remains":       going().wrote("n2#1", aStatus("n2", aRun("r-2", 2)).settledAt(v2)).wrote("orch1", anEntry(2, states.EventOpened), aDesired(1, 2, true)),
		"rested, and for long enough":       ordered().wrote("orch1", anEntry(3, states.EventBatchDone), soaking()).quiet(8).wrote("orch1", anEntry(4, states.EventBatch)),
		"rested, under another leader":      ordered().wrote("orch1", anEntry(3, states.EventBatchDone), soaking()).wrote("orch2", aLease("s2", 2)).wrote("orch2", anEntry(4, states.EventBatch)),
		"approved by somebody":              going().wrote("orch1", anEntry(2, states.EventAccepted), asksFirst().approved()).wrote("orch1", anEntry(3, states.EventBatch)),
		"floor, and another stays": going().wrote("n1#1", aStatus("n1", states.Run{}).settledAt(v1)).wrote("n2#1", aStatus("n2", states.Run{}).settledAt(v1)).
			wrote("orch1", anEntry(2, states.EventAccepted), keepsOne()).wrote("orch1", anEntry(3, states.EventBatch), anOrder("n1", "r-1", 2)),
		"floor, and who goes was just installed anew": going().wrote("n1#1", aStatus("n1", states.Run{}).settledAt(v1)).note(Note{Who: "n1", Text: "is installed anew"}).
			wrote("orch1", anEntry(2, states.EventAccepted), keepsOne()).wrote("orch1", anEntry(3, states.EventBatch), anOrder("n1", "r-1", 2)),
		"half, and one is back": going().wrote("", silent("n1"), silent("n2")).quiet(5).wrote("n1#1", aStatus("n1", states.Run{})).wrote("orch1", anEntry(2, states.EventAccepted), fresh("t-2")),
		"half, and one was forgotten when it was another": going().wrote("n1#1", aStatus("n1", states.Run{})).wrote("", silent("n2"), Doc{Room: "orders", Name: "n1", Order: &states.Order{Forgotten: &states.Word{Instance: "i-old"}}}).
			quiet(5).wrote("orch1", anEntry(2, states.EventAccepted), fresh("t-2")),
		"backwards, and it says what an earlier process began": going().note(Note{Saved: &Saved{"n1", "i-n1", mark(9, 9)}}).wrote("n1#2", aStatus("n1", aRun("r-9", 9))),
		"alone, and somebody planted what is open":             going().wrote("", aDesired(1<<53, 2, true)).wrote("n1#1", aStatus("n1", states.Run{})).note(Note{Calm: "alone"}).note(Note{Calm: "operator"}),
		"half, and a way back begins":                          going().wrote("", silent("n1"), silent("n2")).quiet(5).wrote("orch1", anEntry(2, states.EventRollback), goesBack(), aDesired(1, 3, false)),
		"half, and all fell silent now":                        going().wrote("", silent("n1"), silent("n2")).wrote("orch1", anEntry(2, states.EventAccepted), fresh("t-2")),
		"recovered far enough":                                 going().note(Note{Who: "n1#1", Saved: &Saved{"n1", "i-n1", mark(1, 2)}}).wrote("orch1", anEntry(2, states.EventRecovered), aDesired(1001, 1002, false)),
	}
	for name, story := range tales {
		for _, c := range Checks() {
			if found := c.Find(&story.History); c.Name == checkOf(name) && len(found) > 0 {
				t.Errorf("%s: %v\n%s", name, found, story.Print(100))
			}
		}
	}
}

// expired is a request of which nobody wanted to hear any more after a minute.
func expired(transition string) Doc {
	return Doc{Room: "requests", Name: "q-1", Request: &states.Request{ID: "q-1", Kind: states.AskHold, Transition: transition, Expires: epoch.Add(time.Minute)}}
}

// Each check is silent about a history in which all is well, and notices the one thing that is not.
func TestChecksNotice(t *testing.T) {
	claimed1 := aStatus("n1", aRun("r-1", 2))
	well := going().wrote("orch1", anEntry(2, states.EventBatch), anOrder("n1", "r-1", 2)).wrote("n1#1", claimed1).note(begins(1, "n1", "r-1")).note(ends(1, "n1", v2)).
		wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2))
	if found := Examine(&well.History); len(found) > 0 {
		t.Errorf("a history in which all is well: %v", found)
	}
	broken := broken()
	for _, c := range Checks() {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(broken)), func(name string) bool { return checkOf(name) == c.Name }) {
			t.Errorf("%s: no history shows that it notices anything", c.Name)
		}
		for name, story := range broken {
			if checkOf(name) == c.Name && len(c.Find(&story.History)) == 0 {
				t.Errorf("%s: it does not notice:\n%s", name, story.Print(100))
			}
		}
	}
}

// checkOf is the first word of a history's name.
func checkOf(name string) string {
	word, _, _ := strings.Cut(strings.ReplaceAll(name, ",", ""), " ")
	return word
}

// broken are histories in which one thing is not as it should be, by the name of the check that is to notice.
func broken() map[string]*tale {
	claimed1 := aStatus("n1", aRun("r-1", 2))
	request := Doc{Room: "requests", Name: "q-1", Request: &states.Request{ID: "q-1", Kind: states.AskResume, Transition: "t-0"}}
	answer := func(seq uint64) Doc {
		return Doc{Room: "journal", Entry: &states.Entry{Seq: seq, Answer: &states.Answer{Request: "q-1"}}}
	}
	failed := aRecord(1, "n1", "n2")
	failed.Record.Counted = []states.Counted{{Node: "n1", Run: "r-1", Kind: states.CountFailed}}
	return map[string]*tale{
		"bound":     going().wrote("orch1", anEntry(2, states.EventBatch), anOrder("n1", "r-1", 2), anOrder("n2", "r-2", 2)).wrote("n1#1", aStatus("n1", states.Run{})).wrote("n2#1", aStatus("n2", states.Run{})),
		"one-run":   going().note(begins(1, "n1", "r-1")).note(begins(2, "n1", "r-2")),
		"claimed":   going().wrote("n1#1", claimed1).note(begins(1, "n1", "r-1")), // there is no order
		"writer":    going().wrote("orch2", aDesired(1, 3, false)),
		"epochs":    going().wrote("orch2", aLease("s2", 1)),
		"backwards": (&tale{}).note(Note{Saved: &Saved{"n1", "i-n1", mark(2, 3)}}).note(Note{Saved: &Saved{"n1", "i-n1", mark(3, 2)}}),
		"truthful":  going().note(Note{Who: "n1#1", Saved: &Saved{"n1", "i-n1", mark(1, 2)}}).wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)),
		"reached":   going().wrote("orch1", anEntry(2, states.EventDone)),
		"stopped":   going().wrote("orch1", anEntry(2, states.EventCounted), failed).wrote("orch1", anEntry(3, states.EventBatch)),
		"asked":     going().wrote("ada", request).wrote("orch1", answer(2)),
		"once":      going().wrote("orch1", answer(2)).wrote("orch1", answer(3)),
		"journal":   going().wrote("orch1", anEntry(1, states.EventBatch)),
		"fsck":      going().note(Note{Found: &orchestrator.Finding{Kind: orchestrator.FoundEdited}}),
		"gated":     going().wrote("orch1", anEntry(2, states.EventBatch), gatedRecord()).wrote("orch1", anEntry(3, states.EventBatch)),
		"drained":   going().note(Note{Who: "n1#1", Start: &Exec{Machine: "n1", Node: "n1", Traffic: "its service has traffic"}}),
		"calm":      going().note(Note{Calm: "cut short"}),
		"stands":    going().note(Note{Calm: "never"}),
		"alone":     going().wrote("orch1", aDesired(1, 2, true)).wrote("n1#1", aStatus("n1", states.Run{})).note(Note{Calm: "alone"}).note(Note{Calm: "operator"}),
		"alive": going().wrote("orch1", anEntry(2, states.EventPaused), paused("t-1", "")).wrote("orch1", anEntry(3, states.EventAccepted), fresh("t-2")).
			wrote("orch1", anEntry(4, states.EventHalted), paused("t-2", states.ByFailures)),
		"joiners":                           going().note(joins("n1", v2, 2)),
		"left":                              going().wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v1)).wrote("orch1", anotherDesired(3)).note(joins("n1", v1, 3)),
		"overtaken":                         going().wrote("n2#1", ahead("n2")).note(Note{}).note(Note{}).wrote("orch1", anEntry(2, states.EventBatch)),
		"said":                              going().note(Note{Who: "n1#1", Saved: &Saved{"n1", "i-n1", mark(3, 3)}}).note(Note{Calm: "operator"}),
		"once, and it still lies there":     going().wrote("ada", request).wrote("orch1", answer(2)),
		"asked, and done long after":        going().wrote("ada", expired("t-1")).quiet(20).wrote("orch1", answer(2)),
		"reached, and a member was dropped": going().wrote("orch1", anEntry(2, states.EventMembers), aRecord(1)).wrote("orch1", anEntry(3, states.EventDone)),
		"backwards, and it claims":          going().note(Note{Who: "n1#1", Saved: &Saved{"n1", "i-n1", mark(3, 3)}}).wrote("n1#1", claimed1),
		"looked":                            going().note(Note{Beside: "a check begins beside a run"}),
		"spent": going().note(begins(1, "n1", "r-1")).note(ends(1, "n1", v2)).wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).
			note(begins(2, "n1", "r-1")),
		"charged": ordered().wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).wrote("orch1", anEntry(3, states.EventCounted), anOrder("n1", "r-1", 2).void()),
		"charged, and it did it once more": ordered().wrote("orch1", anOrder("n1", "r-3", 2).onceMore()).wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2).doneAgain()).
			wrote("orch1", anEntry(3, states.EventCounted), anOrder("n1", "r-3", 2).onceMore().void()),
		"turns, and one has not done it once more": ordered().wrote("orch1", anOrder("n1", "r-3", 2).onceMore()).wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).
			wrote("orch1", anEntry(3, states.EventBatch)),
		"bound, and both are to do it once more": going().wrote("orch1", anEntry(2, states.EventBatch), anOrder("n1", "r-3", 2).onceMore(), anOrder("n2", "r-4", 2).onceMore()).
			wrote("n1#1", aStatus("n1", aRun("r-1", 2)).settledAt(v2)).wrote("n2#1", aStatus("n2", aRun("r-2", 2)).settledAt(v2)),
		"bound, and a restore erased no run": restored(aStatus("n1", aRun("r-1", 2))),
		"overdue":                            ordered().wrote("", silent("n1")).quiet(20).wrote("orch1", anEntry(3, states.EventBatchDone)),
		"turns":                              ordered().wrote("orch1", anEntry(3, states.EventBatch)),
		"opened":                             going().wrote("n2#1", aStatus("n2", states.Run{})).wrote("orch1", anEntry(2, states.EventOpened), aDesired(1, 2, true)),
		"half":                               going().wrote("", silent("n1"), silent("n2")).quiet(5).wrote("orch1", anEntry(2, states.EventAccepted), fresh("t-2")),
		"half, and a way back is opened":     going().wrote("", silent("n1"), silent("n2")).quiet(5).wrote("orch1", anEntry(2, states.EventRollback), goesBack(), aDesired(1, 3, true)),
		"rested":                             ordered().wrote("orch1", anEntry(3, states.EventBatchDone), soaking()).note(Note{}).wrote("orch1", anEntry(4, states.EventBatch)),
		"approved":                           going().wrote("orch1", anEntry(2, states.EventAccepted), asksFirst()).wrote("orch1", anEntry(3, states.EventBatch)),
		"floor": going().wrote("n1#1", aStatus("n1", states.Run{}).settledAt(v1)).wrote("orch1", anEntry(2, states.EventAccepted), keepsOne()).
			wrote("orch1", anEntry(3, states.EventBatch), anOrder("n1", "r-1", 2)),
		"floor, and who was installed anew serves again": going().wrote("n1#1", aStatus("n1", states.Run{}).settledAt(v1)).note(Note{Who: "n1", Text: "is installed anew"}).note(ends(1, "n1", v1)).
			wrote("orch1", anEntry(2, states.EventAccepted), keepsOne()).wrote("orch1", anEntry(3, states.EventBatch), anOrder("n1", "r-1", 2)),
		"recovered": going().note(Note{Who: "n1#1", Saved: &Saved{"n1", "i-n1", mark(9, 9)}}).
			wrote("orch1", anEntry(2, states.EventRecovered), aDesired(2, 9, false)),
	}
}

func ahead(node string) Doc {
	d := aStatus(node, states.Run{})
	d.Status.Mark = mark(9, 9)
	return d
}

func paused(id, cause string) Doc {
	d := aRecord(1, "n1", "n2")
	d.Record.ID, d.Record.Status, d.Record.Cause = id, states.Paused, cause
	return d
}

func gatedRecord() Doc {
	d := aRecord(1, "n1", "n2")
	d.Record.Batch.Count = 1
	d.Record.Hops[0].Gates = []states.Gate{{Kind: states.GateHTTP, Name: "canary"}}
	return d
}

func fresh(id string) Doc {
	d := aRecord(1, "n1", "n2")
	d.Record.ID, d.Record.Batch = id, states.Batch{}
	return d
}

func goesBack() Doc {
	d := fresh("t-2")
	d.Record.Undoes = "t-1"
	return d
}
