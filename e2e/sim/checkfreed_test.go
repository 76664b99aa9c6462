package sim

import (
	"testing"
	"time"

	"orch/states"
)

// Who is let go by an operator's word goes beside those whom an opening lets go, and what was decided before
// anybody could know better may come in later: each history comes with the neighbour that must not pass.
func TestChecksOfWhatComesLater(t *testing.T) {
	for name, c := range map[string]struct {
		find    func(*History) []Violation
		story   *tale
		notices bool
	}{
		"bound, and one was held as it was opened":       {bound, closedAgain(&states.Word{By: "ada"}), false},
		"bound, and one's hold was over before":          {bound, closedAgain(&states.Word{By: "ada", Until: epoch.Add(30 * time.Second)}), true},
		"bound, and nobody was held as it was opened":    {bound, closedAgain(nil), true},
		"overtaken, and it was decided on before":        {overtaken, comesIn(45 * time.Second), false},
		"overtaken, and it was decided on long after":    {overtaken, comesIn(time.Second), true},
		"overtaken, and it cannot have been for so long": {overtaken, comesIn(time.Hour), true},
	} {
		if found := c.find(&c.story.History); c.notices != (len(found) > 0) {
			t.Errorf("%s: %v\n%s", name, found, c.story.Print(100))
		}
	}
}

// closedAgain is a hop that was opened for one in a batch of one, with a word about another, and closed while
// both run.
func closedAgain(word *states.Word) *tale {
	t := going().wrote("n2#1", aStatus("n2", states.Run{})).wrote("orch1", Doc{Room: "orders", Name: "n2", Order: &states.Order{Held: word}}).
		wrote("orch1", anEntry(2, states.EventOpened), aDesired(1, 2, true))
	for i, node := range []string{"n1", "n2"} {
		begun := begins(i+1, node, "r-"+node)
		begun.Start.Run.Under = states.UnderOpen
		t.note(begun)
	}
	return t.wrote("orch1", aDesired(1, 3, false))
}

// comesIn is a batch that was decided on so long before it came in, 45 s after a node said that it has seen more.
func comesIn(way time.Duration) *tale {
	t := going().wrote("n2#1", ahead("n2")).quiet(2)
	batch := anEntry(2, states.EventBatch)
	batch.Entry.At = epoch.Add(time.Duration(len(t.Notes))*15*time.Second - way)
	return t.wrote("orch1", batch)
}
