package main

import (
	"orch/states"
)

// stands says why a move that stands is not done, or nil. This is the one place that knows with
// which code a move ends. Where it is undone, the record is of the way back.
func stands(what, cluster string, record states.Record, undone bool) error {
	switch {
	case undone:
		return wentBack(what, cluster, record)
	case record.Status == states.Done:
		return nil
	case record.Status == states.Running && record.Awaiting == states.AwaitApproval:
		return endingf(exitUnfinished, "%s: waits for approval: %s; orch approve %s --reason WHY lets it go on", what, record.Reason, cluster)
	case record.Status == states.Running && record.Awaiting == states.AwaitThaw:
		return endingf(exitUnfinished, "%s: not finished: %s; once it is thawed: orch resume %s", what, record.Reason, cluster)
	case record.Status == states.Running && record.Awaiting == states.AwaitWindow:
		return endingf(exitUnfinished, "%s: not finished: %s; once it is open: orch resume %s", what, record.Reason, cluster)
	case record.Status == states.Paused && states.CauseFailed(record.Cause):
		return endingf(exitFailed, "%s: failed: %s; see why: orch why %s", what, record.Reason, cluster)
	case record.Status == states.Paused:
		return endingf(exitUnfinished, "%s: not finished: %s; go on: orch resume %s", what, record.Reason, cluster)
	}
	return endingf(exitUnfinished, "%s: not finished: %s", what, record.Reason)
}

// wentBack says how a way back ended that nobody asked for.
func wentBack(what, cluster string, record states.Record) error {
	if record.Status == states.Done {
		return endingf(exitRolledBack, "%s: rolled back to %s: %s", what, record.Target, record.Why)
	}
	return endingf(exitFailed, "%s: failed: %s; and the way back to %s is %s: %s; see why: orch why %s",
		what, record.Why, record.Target, record.Status, record.Reason, cluster)
}
