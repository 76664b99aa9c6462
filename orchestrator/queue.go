package orchestrator

import (
	"fmt"
	"time"

	"orch/states"
)

// queues tells whether a request waits for its turn, and that has not come: a queued one is let by
// while a move runs or stands in its middle. One whose author is gone is not waited with: it is
// answered, so that the next one gets its turn.
func (p *planner) queues(doc states.Doc[states.Request]) bool {
	return doc.OK() && doc.Value.Queue && doc.Value.Held && underWay(p.record)
}

// underWay tells whether a move runs, or stands in its middle.
func underWay(record states.Record) bool {
	return record.Status == states.Running || record.Status == states.Paused
}

// abandoned says why a queued request is not taken, or "". That the cluster has moved since is what
// it waited for, and it does not expire while somebody waits.
func abandoned(request states.Request) string {
	if request.Held {
		return ""
	}
	return "whoever asked is gone, and waits no more"
}

// Ahead says what a queued request waits for, or "" when its turn has come: the move under way, and
// who else waits longer.
func Ahead(snapshot states.Snapshot, id string) string {
	record := snapshot.Record.Value
	if !snapshot.Record.OK() {
		return "the cluster cannot be led"
	}
	place, before := 1, ""
	for _, doc := range snapshot.Requests {
		if doc.Value.ID == id {
			break
		}
		if doc.OK() && doc.Value.Queue && doc.Value.Held {
			place++
			before = doc.Value.By + since(doc.Value.At, doc.Value.Why)
		}
	}
	text := ""
	switch {
	case record.Status == states.Running:
		text = fmt.Sprintf("%s moves %s to %s%s", record.By, snapshot.Cluster, record.Target, since(record.StartedAt, record.Why))
	case record.Status == states.Paused:
		p := newPlanner(snapshot, Leading{}, record.PausedAt)
		text = fmt.Sprintf("the move of %s to %s is paused since %s, and the queue waits with it: %s; %s | orch abort %s",
			record.By, record.Target, clock(record.PausedAt), record.Reason, p.remedy(), snapshot.Cluster)
	case place == 1:
		return ""
	}
	if place > 1 {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("place %d in the queue, behind %s", place, before)
	}
	return text
}

func since(at time.Time, why string) string { return " since " + clock(at) + because(why) }

// ForeseeQueued previews a request that waits for its turn: what it would do once those before it
// are done, if every run succeeds. What stands now is taken as given up.
func ForeseeQueued(snapshot states.Snapshot, request states.Request, leading Leading, now time.Time) Preview {
	snapshot, _ = dream(snapshot, leading, now, func(states.Change) bool { return true })
	if underWay(snapshot.Record.Value) {
		snapshot.Record.Value.Status = states.Aborted
	}
	request.Held = true
	return Foresee(snapshot, request, leading, now)
}
