package orchestrator

import (
	"fmt"

	"orch/states"
)

// The summaries are the first field of every document: one sentence for whoever looks at the key
// in the Consul UI. They hold nothing that only time moves.

func desiredSummary(desired states.Desired, record states.Record) string {
	text := fmt.Sprintf("%s is wanted", desired.State)
	switch {
	case desired.Open:
		text += ", and every node may go"
	case record.Status == states.Running:
		text += ", batch by batch"
	default:
		text += ", and nobody is let go: " + record.Status
	}
	return text
}

func recordSummary(record states.Record) string {
	text := fmt.Sprintf("%s: %s to %s", record.Status, record.Start, record.Target)
	if record.Status == states.Running && len(record.Hops) > 1 {
		text += fmt.Sprintf(", hop %d of %d", record.Hop+1, len(record.Hops))
	}
	if record.Reason != "" {
		text += "; " + record.Reason
	}
	return states.Clip(text, 300)
}

func orderSummary(order states.Order) string {
	switch {
	case order.Forgotten != nil:
		return "forgotten " + order.Forgotten.String()
	case order.Held != nil:
		return "held " + order.Held.String()
	case order.Void != "":
		return "void: " + order.Void
	}
	return fmt.Sprintf("may go to %s now, run %s", order.State, order.Run)
}

func entrySummary(entry states.Entry) string {
	text := entry.Event + ": " + entry.Reason
	if entry.By != "" {
		text += ", by " + entry.By
	}
	return states.Clip(text, 300)
}
