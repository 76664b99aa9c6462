package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"orch/states"
)

// batchView is a row of the table of batches: one batch, or several that have nothing to tell.
type batchView struct {
	first, last     int
	nodes           int
	done, run, fail int
	took            time.Duration
	begun, going    bool
	cut             bool // a stop ended it; what was not begun of it is let go again
	note            string
	approved        [2]string // who approved that it is over: on a narrow screen, on a wide one
	after           string    // what stands between it and the next
}

// says is what there is to tell about it. On a narrow screen that is one thing.
func (b batchView) says(wide bool) string {
	switch {
	case !wide && b.going:
		return first(b.approved[0], b.note, b.after)
	case !wide: // why the next one is not begun counts for more
		return first(b.after, b.approved[0], b.note)
	}
	var texts []string
	for _, t := range []string{b.note, b.approved[1], b.after} {
		if t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "; ")
}

// history lists the batches of the hop: those that ended, the one in progress, and the rest as far
// as it can be foreseen.
func (v *view) history() []batchView {
	var rows []batchView
	for _, b := range v.record.Batches {
		if b.Hop == v.record.Hop {
			rows = append(rows, batchView{first: b.Number, last: b.Number, nodes: b.Count, begun: true,
				done: b.Count - b.Failed, fail: b.Failed, took: b.Ended.Sub(b.Ordered), note: v.noteOf(b), cut: b.Cut, approved: v.approvers(b)})
		}
	}
	if over := v.record.Batch; len(rows) > 0 && v.record.Status == states.Running && (over.Number == 0 || !over.Ended.IsZero()) {
		rows[len(rows)-1].after = v.awaited()
	}
	v.settle(rows)
	current := v.record.Batch
	if current.Number != 0 && current.Ended.IsZero() && current.Hop == v.record.Hop {
		rows = append(rows, v.current(current))
	}
	rows = gather(rows, 6)
	ahead, more := v.later()
	if len(ahead) == 0 {
		return rows
	}
	later := batchView{first: ahead[0].Number, last: ahead[len(ahead)-1].Number, note: "waiting"}
	switch {
	case v.record.Status != states.Running:
		later.note = "not started"
	case len(rows) == 0:
		later.note = first(v.awaited(), later.note)
	}
	for _, b := range ahead {
		later.nodes += b.Count
	}
	if more {
		later.note += ", and more after them"
	}
	return append(rows, later)
}

// settle corrects what is done in batches that a stop cut short: not everybody who was let go and
// did not fail came there. The record keeps counts only, so whoever is there and in no whole batch is
// taken for one of a cut batch.
func (v *view) settle(rows []batchView) {
	rest := v.count(func(n nodeView) bool { return n.Member && n.There })
	for _, r := range rows {
		if !r.cut {
			rest -= r.done
		}
	}
	for i := range rows {
		if rows[i].cut {
			rows[i].done = min(rows[i].done, max(rest, 0))
			rest -= rows[i].done
		}
	}
}

// current counts the batch in progress.
func (v *view) current(b states.Batch) batchView {
	row := batchView{first: b.Number, last: b.Number, nodes: b.Count, begun: true, going: true, took: v.now.Sub(b.Ordered), note: v.noteOf(b), approved: v.approvers(b)}
	for _, n := range v.nodes {
		switch {
		case !slices.Contains(b.Nodes, n.Name):
		case n.There:
			row.done++
		case n.Counted != nil:
			row.fail++
		case n.underWay():
			row.run++
		}
	}
	if results := row.nodes - row.done - row.fail; !b.Opened && results > 0 && v.record.Status == states.Running {
		row.after = v.following(results)
	}
	if !v.record.EndedAt.IsZero() {
		row.took, row.going = v.record.EndedAt.Sub(b.Ordered), false
	}
	return row
}

// approvers says who approved that a batch is over, and with the first one, that the hop begins.
func (v *view) approvers(b states.Batch) [2]string {
	if b.Cut {
		return [2]string{}
	}
	narrow, wide := v.approvalNote(b.Number, false), v.approvalNote(b.Number, true)
	if start := v.approvalNote(0, true); b.Number == 1 && start != "" {
		narrow, wide = first(narrow, v.approvalNote(0, false)), strings.TrimSuffix(start+"; "+wide, "; ")
	}
	return [2]string{narrow, wide}
}

func (v *view) noteOf(b states.Batch) string {
	note := b.Note
	switch {
	case b.Cut:
		note = strings.TrimPrefix(note+", cut short by a stop", ", ")
	case b.Opened && note == "":
		note = "opened: everybody may go"
	}
	switch {
	case strings.HasPrefix(b.Group, "("): // those who say nothing of it
		note = strings.TrimSuffix(b.Group+": "+note, ": ")
	case b.Group != "":
		note = strings.TrimSuffix(v.groupKey()+" "+b.Group+": "+note, ": ")
	}
	return note
}

// gather makes one row of the first batches where there are many.
func gather(rows []batchView, most int) []batchView {
	if len(rows) <= most {
		return rows
	}
	old := rows[:len(rows)-most+1]
	one := batchView{first: old[0].first, last: old[len(old)-1].last, begun: true}
	for _, r := range old {
		one.nodes, one.done, one.fail, one.took = one.nodes+r.nodes, one.done+r.done, one.fail+r.fail, one.took+r.took
	}
	return append([]batchView{one}, rows[len(old):]...)
}

// numbers spells which ones: 4, or 5-6.
func (b batchView) numbers() string {
	if b.first == b.last {
		return strconv.Itoa(b.first)
	}
	return fmt.Sprintf("%d-%d", b.first, b.last)
}

// progress is how many batches the hop has, as far as can be foreseen, and which one is meant by now.
func (v *view) progress() (now, total int) {
	batches := v.history()
	if n := len(batches); n > 0 {
		total = batches[n-1].last
	}
	now = v.record.Batch.Number
	if now == 0 && total > 0 {
		for _, b := range batches {
			if !b.begun {
				return b.first, total
			}
		}
		return total, total
	}
	return now, total
}
