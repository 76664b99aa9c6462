package orchestrator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"orch/states"
)

// shape finds entries that are missing, cannot be read, or lie where they were not written, and puts
// the rest into the order in which they were written.
func (a *audit) shape() {
	for _, key := range a.Strays {
		if strings.HasPrefix(key, states.KeyOrders) || strings.HasPrefix(key, "journal/") {
			a.blame(FoundPlanted, key, 0, "nobody writes a key of that name")
		} else {
			a.note(key, 0, "the journal knows nothing of a key of that name")
		}
	}
	a.from = a.beginning()
	a.bounds()
	for _, page := range a.Pages {
		switch {
		case page.Seq == 0:
			a.blame(FoundPlanted, page.Key, 0, "nobody writes a key of that name")
		case page.Seq < a.from:
			a.leftover(page)
		case page.Seq > a.last:
			a.blame(FoundPlanted, page.Key, page.Seq, "the record counts %d entries, and this would be a later one", a.last)
		default:
			a.sheets = append(a.sheets, sheet{Page: page, no: page.Seq, tells: page.OK() && page.Value.Seq == page.Seq})
		}
	}
	a.sort()
	a.gaps()
}

// beginning is the number of the first entry that has to be there.
func (a *audit) beginning() uint64 {
	from := uint64(1)
	for _, page := range a.Pages {
		if page.OK() && page.Seq == page.Value.Seq && page.Value.From > 0 {
			from = page.Value.From
		}
	}
	return from
}

// bounds finds the number of the last entry that was written. The record counts them, where it is
// itself as an entry wrote it; else all entries count.
func (a *audit) bounds() {
	counted := uint64(0)
	if a.Record.OK() {
		counted = a.Record.Value.Journal
	}
	a.last = counted
	for _, page := range a.Pages {
		if head := a.Record.Value.Head; head != "" && head == page.Digest { // wherever it lies now
			a.last = page.Value.Seq
			return
		}
	}
	for _, page := range a.Pages {
		if page.Seq == counted && page.OK() && (!page.Value.Chained() || page.Value.Keys[states.KeyRecord] == a.Digests[states.KeyRecord]) {
			return
		}
	}
	for _, page := range a.Pages {
		a.last = max(a.last, page.Seq)
	}
}

// leftover is an entry that a compaction was to delete: it did not get that far, or somebody planted it.
func (a *audit) leftover(page states.Page) {
	for _, next := range a.Pages {
		if next.Seq == page.Seq+1 && next.OK() && (next.Value.Prev == page.Digest || next.Value.Prev == "") {
			return
		}
	}
	a.blame(FoundPlanted, page.Key, page.Seq, "the journal begins with %s, and this is none that was left behind", number(a.from))
}

// sort finds entries that lie under other numbers than they have. Where they only changed places, the
// rest is judged in their own order.
func (a *audit) sort() {
	keys, numbers := []uint64{}, []uint64{}
	for i, s := range a.sheets {
		switch {
		case !s.OK():
			a.blame(FoundUnreadable, s.Key, s.no, "%s cannot be read: %s", number(s.no), s.Problem)
		case s.Value.Seq != s.Seq:
			a.blame(FoundMoved, s.Key, s.no, "it calls itself %s", number(s.Value.Seq))
			keys, numbers = append(keys, s.Seq), append(numbers, s.Value.Seq)
			a.sheets[i].tells = false
		}
	}
	slices.Sort(numbers)
	if !slices.Equal(keys, numbers) {
		return
	}
	for i, s := range a.sheets {
		if s.OK() {
			a.sheets[i].no, a.sheets[i].tells = s.Value.Seq, true
		}
	}
	slices.SortFunc(a.sheets, func(x, y sheet) int { return cmp.Compare(x.no, y.no) })
}

// gaps finds the numbers at which there is nothing, or nothing that tells.
func (a *audit) gaps() {
	next := a.from
	missing := func(until uint64) {
		if next >= until {
			return
		}
		what := number(next) + " is not there"
		if until-next > 1 {
			what = fmt.Sprintf("entries %d to %d are not there", next, until-1)
		}
		a.holes = append(a.holes, next, until-1)
		a.blame(FoundDeleted, fmt.Sprintf("journal/%012d", next), next, "%s, and no compaction took them", what)
	}
	for _, s := range a.sheets {
		missing(s.no)
		if !s.tells {
			a.holes = append(a.holes, s.no)
		}
		next = s.no + 1
	}
	missing(a.last + 1)
	slices.Sort(a.holes)
}

// hole gives the first entry between two that tells nothing, the later one included; 0: none.
func (a *audit) hole(after, until uint64) uint64 {
	for _, h := range a.holes {
		if h > after && h <= until {
			if h != until && slices.Contains(a.holes, until) {
				return until
			}
			return h
		}
	}
	return 0
}

// links compares every entry with what the next one says of it, the newest with what the record says.
// They go from the newest back, so that a witness is judged before it is heard.
func (a *audit) links() {
	for i := len(a.sheets) - 1; i >= 0; i-- {
		s := a.sheets[i]
		want, witness := a.witness(i)
		if want == "" || want == s.Digest {
			continue
		}
		fault, doubted := a.faults[a.keyOf(witness)]
		switch {
		case witness > a.last:
			a.blame(FoundEdited, s.Key, s.no, "%s is not the one that the record was written with; either it was edited, or the field \"head\" of the record was", number(s.no))
		case doubted && fault.Kind == FoundEdited:
			a.blame(FoundEdited, s.Key, s.no, "%s is not the one that %s was written after, unless that is what was edited there", number(s.no), number(witness))
		default:
			a.blame(FoundEdited, s.Key, s.no, "%s is not the one that %s was written after", number(s.no), number(witness))
		}
	}
	a.unchained()
}

func (a *audit) keyOf(entry uint64) string { return fmt.Sprintf("journal/%012d", entry) }

// witness gives the digest that an entry must have, and who says so. Where nobody does, it is said why.
func (a *audit) witness(i int) (digest string, by uint64) {
	s := a.sheets[i]
	unknown := func(why string) (string, uint64) {
		if s.tells && s.Value.Chained() {
			a.note(s.Key, s.no, "whether %s is as it was written cannot be told: %s", number(s.no), why)
		}
		return "", 0
	}
	if s.no == a.last {
		if !a.Record.OK() || a.Record.Value.Head == "" {
			return unknown("the record does not tell")
		}
		return a.Record.Value.Head, s.no + 1
	}
	if i+1 == len(a.sheets) || a.sheets[i+1].no != s.no+1 || !a.sheets[i+1].tells {
		return unknown(number(s.no+1) + " does not tell")
	}
	next := a.sheets[i+1]
	switch {
	case next.Value.Prev != "":
		return next.Value.Prev, next.no
	case !next.Value.Chained():
		return unknown(number(next.no) + " was written by an older version")
	case s.Value.Chained() && next.Value.Event != states.EventRecovered:
		a.past = append(a.past, Finding{FoundEdited, states.KeyRecord, next.no,
			fmt.Sprintf("it had lost its field \"head\" when %s was written, so that the chain begins anew there", number(next.no))})
	}
	return unknown("the chain begins anew with " + number(next.no))
}

// unchained says which entries noted no digests.
func (a *audit) unchained() {
	var none []uint64
	for _, s := range a.sheets {
		if s.tells && !s.Value.Chained() {
			none = append(none, s.no)
		}
	}
	if len(none) > 0 {
		a.note(a.keyOf(none[0]), none[0], "%d entries, %d to %d, were written by a version without a chain: whether they were edited cannot be told",
			len(none), none[0], none[len(none)-1])
	}
}
