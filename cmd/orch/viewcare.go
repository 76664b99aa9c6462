package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// What a view knows of moving carefully: gates, approvals, health, and other clusters.

// gateView is a gate of the hop, and what it said last.
type gateView struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	Outcome    string    `json:"outcome"` // pass, fail or unknown; empty: not asked yet
	Text       string    `json:"text,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	DryRun     bool      `json:"dry_run,omitempty"`
	Overridden bool      `json:"overridden,omitempty"`
}

// gates lists the gates of the hop in progress, or of the last one.
func (v *view) gates() []gateView {
	var list []gateView
	for _, gate := range v.record.Current().Gates {
		g := gateView{Name: gate.Name, Kind: gate.Kind, DryRun: gate.DryRun, Overridden: v.overridden("gate", gate.Name)}
		if gauge, told := v.record.Gauge(gate.Name); told {
			g.Outcome, g.Text, g.Since = gauge.Outcome, gauge.Text, gauge.Since
		}
		list = append(list, g)
	}
	return list
}

func (v *view) overridden(kind, name string) bool {
	return slices.Contains(v.record.Overrides, kind) || slices.Contains(v.record.Overrides, kind+"="+name)
}

// says is the last answer, in words: "ok 12s", "no: 503".
func (g gateView) says(now time.Time) string {
	text := g.word()
	if g.Outcome == states.GatePass {
		text += " " + ago(now.Sub(g.Since))
	}
	if g.Text != "" {
		text += ", " + g.Text
	}
	return text + g.remark()
}

func (g gateView) word() string {
	switch g.Outcome {
	case states.GatePass:
		return "ok"
	case states.GateFail:
		return "no"
	case states.GateUnknown:
		return "nobody can tell"
	}
	return "not asked yet"
}

func (g gateView) remark() string {
	switch {
	case g.DryRun:
		return " (dry run)"
	case g.Overridden:
		return " (overridden)"
	}
	return ""
}

// health is the line that says how much may fail still.
func (v *view) health(p *page) string {
	parts := []string{v.fitness(), v.budgetText(p.width >= wideFrom)}
	if p.width >= wideFrom {
		for _, g := range v.gates() {
			g.Text = clip(visible(g.Text), 32) // all of it is in why
			parts = append(parts, g.Name+": "+g.says(v.now))
		}
		return strings.Join(parts, "  |  ")
	}
	var gates []string
	for _, g := range v.gates() {
		if !g.DryRun {
			gates = append(gates, g.Name+" "+g.word()+g.remark())
		}
	}
	if len(gates) > 0 {
		parts = append(parts, "gates: "+strings.Join(gates, ", "))
	}
	return strings.Join(parts, " | ")
}

// fitness says how many serve, and how many must. Where nobody serves, that means nothing.
func (v *view) fitness() string {
	switch fit := v.fit; {
	case !fit.Floor && !v.record.Current().State.Serving:
		return fmt.Sprintf("alive %d of %d", v.count(alive), v.count(known))
	case !fit.Floor:
		return fmt.Sprintf("healthy %d of %d", fit.Healthy, fit.Known)
	case v.overridden("min_healthy", ""):
		return fmt.Sprintf("healthy %d, floor %d overridden", fit.Healthy, fit.Least)
	case v.blind():
		return fmt.Sprintf("healthy: nobody can tell, floor %d", fit.Least)
	default:
		return fmt.Sprintf("healthy %d, floor %d", fit.Healthy, fit.Least)
	}
}

// blind tells whether somebody looked who is healthy, and could not tell.
func (v *view) blind() bool { return v.fit.Blind != "" && v.Evidence.Checks != nil }

func (v *view) budgetText(wide bool) string {
	allowed := v.record.Current().Policy.MaxFailures
	text := fmt.Sprintf("failed %d, allowed %d", v.record.Failures(), v.record.Budget())
	if allowed.Percent && wide {
		text += fmt.Sprintf(" (%s of %d)", allowed, len(v.record.Members))
	}
	if v.record.Accepted > 0 && wide {
		text += fmt.Sprintf(", %d of them accepted by an operator", v.record.Accepted)
	}
	return text
}

// approvalNote says who approved a batch of the hop; 0 is its start.
func (v *view) approvalNote(batch int, wide bool) string {
	given, ok := v.record.Approved(v.record.Hop, batch)
	if !ok {
		return ""
	}
	text := "approved by " + given.By + " " + clock(given.At, v.now)
	if batch == 0 {
		text = "start " + text
	}
	if given.Why != "" && wide {
		text += fmt.Sprintf(" %q", given.Why)
	}
	return text
}

// following says what is asked of the world once a batch is over: "3 results, gate web-passing, soak 30s".
func (v *view) following(results int) string {
	hop := v.record.Current()
	var list []string
	for _, gate := range hop.Gates {
		if gate.At != states.AtStart && !gate.DryRun && !v.overridden("gate", gate.Name) {
			list = append(list, "gate "+gate.Name)
		}
	}
	if hop.Policy.Soak > 0 && !v.overridden("soak", "") {
		list = append(list, "soak "+hop.Policy.Soak.String())
	}
	if len(list) == 0 {
		return ""
	}
	return "next batch after: " + strings.Join(append([]string{states.Count(results, "result")}, list...), ", ")
}

// awaited names what stands between a batch that is over and the next one, in a few words.
func (v *view) awaited() string {
	if v.awaiting() {
		return "" // the second line says it
	}
	var kinds, reasons []string
	for _, w := range v.waits {
		if w.Node == "" && w.Kind != "leader" && w.Kind != "paused" {
			reasons = append(reasons, w.Reason)
			if !slices.Contains(kinds, w.Kind) {
				kinds = append(kinds, w.Kind)
			}
		}
	}
	switch len(reasons) {
	case 0:
		return ""
	case 1:
		return reasons[0]
	}
	return "over; waits for: " + strings.Join(kinds, ", ")
}

// awaiting tells whether nothing but an approval holds the move.
func (v *view) awaiting() bool {
	return v.record.Status == states.Running && v.record.Awaiting == states.AwaitApproval
}

// groupKey is the agents' word by which nodes are grouped, and shown.
func (v *view) groupKey() string { return first(v.record.Current().Policy.GroupBy, "rack") }

// again is what a node has to have converged once more for, besides being there.
func (v *view) again(node string) string {
	if v.moving() && v.record.Again != "" && (v.record.Only == nil || slices.Contains(v.record.Only, node)) {
		return v.record.Again
	}
	return v.desire.Again
}

// freeCare lists what was asked of the world and does not hold the cluster.
func (v *view) freeCare() []string {
	if !v.usable() || v.record.Status != states.Running && v.record.Status != states.Paused {
		return nil
	}
	var list []string
	hop, held := v.record.Current(), func(kind string) bool {
		return kind == "approval" && v.awaiting() || slices.ContainsFunc(v.waits, func(w orchestrator.Wait) bool { return w.Kind == kind })
	}
	if v.fit.Floor && v.fit.Healthy >= v.fit.Least && !held("floor") && !v.blind() {
		list = append(list, fmt.Sprintf("floor (%d healthy, %d needed)", v.fit.Healthy, v.fit.Least))
	}
	for _, r := range hop.Requires {
		if orchestrator.Unmet(v.Snapshot, r, v.now) == "" {
			list = append(list, "requires "+r.Cluster+" (settled at "+v.Evidence.Elsewhere[r.Cluster].State.String()+")")
		}
	}
	if gates := v.gates(); len(gates) > 0 && !held("gate") {
		var says []string
		for _, g := range gates {
			says = append(says, g.Name+": "+g.says(v.now))
		}
		list = append(list, "gates ("+strings.Join(says, "; ")+")")
	}
	if hop.Policy.Soak > 0 && !held("soak") {
		list = append(list, "soak ("+hop.Policy.Soak.String()+" after each batch)")
	}
	if hop.Policy.Approve != states.ApproveNever && hop.Policy.Approve != "" && !held("approval") {
		list = append(list, "approval ("+first(v.approvalNote(v.record.Over(), false), "none needed now")+")")
	}
	if hop.Primary != nil && !held("primary") && len(v.Evidence.Primary.Nodes) > 0 {
		list = append(list, "primary ("+few(v.Evidence.Primary.Nodes, 3)+" goes last)")
	}
	return list
}

// freeWindow lists the windows among what does not hold the cluster, where one could be in the way.
func (v *view) freeWindow() []string {
	record := v.record
	if !v.moving() {
		record = states.Record{Windows: v.Definition.Value.Windows}
	}
	if !v.usable() || slices.ContainsFunc(v.waits, func(w orchestrator.Wait) bool { return w.Kind == states.AwaitWindow }) {
		return nil
	}
	return []string{"window (" + hours(record, v.now) + ")"}
}

// hours says what the windows of a move say now.
func hours(record states.Record, now time.Time) string {
	overridden := func(name string) bool {
		return slices.Contains(record.Overrides, "window") || slices.Contains(record.Overrides, "window="+name)
	}
	bound := states.Windows(record.Windows).Without(overridden)
	switch hours := bound.At(now); {
	case len(record.Windows) == 0:
		return "none"
	case record.Undoes != "":
		return "none binds a way back"
	case len(bound) == 0:
		return "overridden"
	case hours.Open:
		return hours.OpenUntil(now)
	}
	return "closed, and a move under way may finish"
}
