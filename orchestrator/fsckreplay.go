package orchestrator

import (
	"fmt"
	"maps"
	"slices"

	"orch/states"
)

// replay follows what each entry wrote, and what it found there before. What it found and nobody had
// written was done by hand, although nothing is left of it.
func (a *audit) replay() {
	a.restated()
	for _, s := range a.sheets {
		switch {
		case !s.tells:
		case !s.Value.Chained():
			a.unknown(s)
		default:
			a.compare(s)
			for key, digest := range s.Value.Keys {
				a.written[key] = writing{digest: digest, by: s.no}
			}
		}
	}
}

// restated begins with what only entries wrote that a compaction took. Those that tell it stand in a
// row before the one that says where the journal begins.
func (a *audit) restated() {
	if a.from == 1 {
		return
	}
	at := slices.IndexFunc(a.sheets, func(s sheet) bool { return s.tells && s.Value.From == a.from })
	for i := at; i >= 0; i-- {
		e := a.sheets[i].Value
		if i < at && (!a.sheets[i].tells || e.Event != states.EventCompacted || e.From != 0) {
			break
		}
		for key, digest := range e.Restated {
			a.written[key] = writing{digest, a.sheets[i].no, true}
		}
	}
	if first := a.sheets; at >= 0 && len(first) > 0 && first[0].no == a.from && first[0].tells && first[0].Value.Prev != first[at].Value.FromPrev {
		a.blame(FoundEdited, first[0].Key, a.from, "%s does not follow the entry that the compaction took", number(a.from))
	}
}

// unknown notes what an entry of an older version wrote. Which bytes, it does not tell.
func (a *audit) unknown(s sheet) {
	e := s.Value
	keys := []string{states.KeyRecord}
	if e.Desired != nil {
		keys = append(keys, states.KeyDesired)
	}
	if e.Definition != "" {
		keys = append(keys, states.KeyDefinition)
	}
	for node := range e.Orders {
		keys = append(keys, states.KeyOrders+node)
	}
	for _, key := range keys {
		a.written[key] = writing{by: s.no}
	}
}

// compare looks at what an entry found before it wrote.
func (a *audit) compare(s sheet) {
	for _, key := range slices.Sorted(maps.Keys(s.Value.Keys)) {
		w, known := a.written[key]
		found, there := s.Value.Found[key]
		if a.hole(w.by, s.no-1) != 0 { // which may have written it
			continue
		}
		say := func(kind, format string, args ...any) {
			text := fmt.Sprintf(format, args...) + ", before " + number(s.no) + " replaced it"
			if s.Value.Event == states.EventRecovered {
				kind = FoundRepaired
			}
			a.past = append(a.past, Finding{kind, key, s.no, text})
		}
		switch {
		case known && !there:
			say(FoundDeleted, "%s, and it was deleted", w)
		case known && w.digest != "" && w.digest != found:
			say(FoundEdited, "%s, and it was edited", w)
		case !known && there && a.from == 1:
			say(FoundPlanted, "no entry wrote what lay there")
		}
	}
}
