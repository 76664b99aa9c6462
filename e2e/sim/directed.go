package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stories that were made by hand: each leads to the moment in which one safeguard is all that keeps a
// promise. They are played and examined as all others are; what is left to the dice in them are delays.

// made makes a story. The policy is written as in a definition, its attributes apart by semicolons; times
// count from when the cluster is born and at rest.
func made(name string, nodes int, takes time.Duration, policy string, events ...Event) Story {
	s := Story{Seed: 1, Told: name, Nodes: nodes, TTL: 10 * time.Second, Takes: takes, Sky: Sky{LockDelay: time.Millisecond}}
	var lines []string
	for line := range strings.SplitSeq("converge_timeout = \"2m\"; retries = 0; retry_delay = \"1s\"; "+policy, ";") {
		key, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		lines = slices.DeleteFunc(lines, func(earlier string) bool { return strings.HasPrefix(earlier, "  "+key+" ") })
		lines = append(lines, "  "+strings.TrimSpace(line))
	}
	s.Text = webWith(lines, `"100%"`)
	for _, e := range events {
		e.At += takes + 30*time.Second
		s.Length = max(s.Length, e.At+e.For)
		s.Rough = s.Rough || slices.Contains(rough, e.Do)
		s.Events = append(s.Events, e)
	}
	slices.SortStableFunc(s.Events, func(a, b Event) int { return int(a.At - b.At) })
	s.Length += 5 * time.Minute
	return s
}

// types is somebody who types a verb.
func types(second int, do, arg string) Event {
	return Event{At: time.Duration(second) * time.Second, Do: do, Arg: arg}
}

// typesOf is somebody who types a verb about a node.
func typesOf(second int, do string, node int, lasts time.Duration) Event {
	return Event{At: time.Duration(second) * time.Second, Do: do, Who: fmt.Sprintf("n%d", node), For: lasts}
}

// befalls is a fault of a node.
func befalls(second int, do string, node int, lasts time.Duration) Event {
	return typesOf(second, do, node, lasts)
}

// when has something happen in a moment, to whoever is in it.
func when(second int, moment, do string, lasts time.Duration) Event {
	return Event{At: time.Duration(second) * time.Second, On: moment, Do: do, Who: "it", For: lasts}
}

// surely makes a fault of a wire certain, where it is a chance.
func (e Event) surely() Event {
	e.Arg = "surely"
	return e
}
