package states

import (
	"fmt"
	"slices"
	"strings"
)

// move is a cluster on its way into a state: what requirements hold, and what they ask for.
type move struct{ cluster, state string }

func (m move) String() string { return m.cluster + " -> " + m.state }

// circles finds moves of this cluster that can never be made, because each waits for another one
// that waits for it in the end. States that are declared the other way round for going up and for
// coming down are no circle: it is moves that wait, not clusters.
func (k *checker) circles() {
	if k.known == nil {
		return
	}
	w := weave{find: k.find}
	told := map[string]bool{}
	for i, t := range k.cluster.Transitions {
		for j, r := range t.Requires {
			circle := w.circle(move{k.cluster.Name, t.To}, r)
			if len(circle) < 2 || told[spell(circle)] { // one that needs itself is another mistake
				continue
			}
			told[spell(circle)] = true
			k.add(Place("transition").Sub(i, "requires", j), CircleOfRequirements,
				"Each of these waits for the next, and none can ever be made: %s. Leave one of the requirements out.", spell(circle))
		}
	}
}

// CircleOfRequirements is the summary of a mistake that every cluster in a circle has; its detail is
// the same for all of them.
const CircleOfRequirements = "Circle of requirements"

// find gives a cluster by name, this one as it is written now.
func (k *checker) find(name string) (Cluster, bool) {
	if name == k.cluster.Name {
		return k.cluster, true
	}
	return k.known(name)
}

// weave is the moves of all clusters, and who waits for whom.
type weave struct {
	find func(string) (Cluster, bool)
}

// needs gives the requirements of every way to make a move.
func (w weave) needs(m move) []Requirement {
	var all []Requirement
	cluster, _ := w.find(m.cluster)
	for _, t := range cluster.Transitions {
		if t.To == m.state {
			all = append(all, t.Requires...)
		}
	}
	return all
}

// circle follows what a requirement of a move waits for until that comes back to the move, and gives
// the way; nothing where one of the states it names can be reached.
func (w weave) circle(from move, r Requirement) []move {
	return w.back(from, []move{from}, r)
}

func (w weave) back(to move, path []move, r Requirement) []move {
	var found []move
	for _, ref := range r.States { // any of them is enough
		next := move{r.Cluster, ref.Name}
		way := w.through(to, path, next)
		if way == nil {
			return nil
		}
		if found == nil || len(way) < len(found) {
			found = way
		}
	}
	return found
}

// through gives a way back to a move through another one, or nil.
func (w weave) through(to move, path []move, next move) []move {
	if next == to {
		return path
	}
	if slices.Contains(path, next) { // another circle, which its own members tell
		return nil
	}
	for _, r := range w.needs(next) {
		if way := w.back(to, append(slices.Clone(path), next), r); way != nil {
			return way
		}
	}
	return nil
}

// spell writes a circle so that it reads the same wherever it was found.
func spell(circle []move) string {
	first := 0
	for i, m := range circle {
		if m.String() < circle[first].String() {
			first = i
		}
	}
	turned := append(slices.Clone(circle[first:]), circle[:first]...)
	texts := make([]string, 0, len(turned)+1)
	for _, m := range append(turned, turned[0]) {
		texts = append(texts, fmt.Sprintf("%q", m.String()))
	}
	return strings.Join(texts, " waits for ")
}
