package orchestrator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Where agents obey signed states only, a leader carries what a request brought: into the desired
// state, from hop to hop, through stops and back, as it is. It signs nothing itself. What agents
// would refuse is refused before it begins: they publish which keys they trust.

// Draft gives the warrant that a request has to be signed with, by what its preview found: every hop
// to be entered, and where the cluster stands to be returned to. What is only known from the desired
// state is never to be entered by it, since anybody may have written that.
func Draft(snapshot states.Snapshot, request states.Request, preview Preview, now time.Time) (states.Warrant, error) {
	desired := snapshot.Desired.Value
	seen := states.Mark{Epoch: Seen(snapshot, states.Entry{}, now).Epoch, Generation: desired.Generation}
	w := draftOf(snapshot, request.ID, seen)
	if followed := follows(snapshot); !followed.Zero() && (seen.Generation > followed.Generation+states.WarrantGenerations || seen.Epoch > followed.Epoch+states.WarrantEpochs) {
		return w, fmt.Errorf("generation %d and epoch %d lie in Consul, and no node that obeys signed states followed more than %d and %d: whoever wrote that had no key; look who could, and then orch recover %s",
			seen.Generation, seen.Epoch, followed.Generation, followed.Epoch, snapshot.Cluster)
	}
	hops := preview.Record.Hops
	if preview.Nothing {
		hops = nil
	}
	named := request.Target.Name != "" // else the way goes to where the cluster was before
	for _, hop := range hops {
		if named {
			w.Enter = permit(w.Enter, hop.State)
		} else {
			w.Return = permit(w.Return, hop.State)
		}
	}
	if target, err := snapshot.Definition.Value.Resolve(request.Target); named && err == nil {
		w.Enter = permit(w.Enter, target)
	}
	if stable := desired.Stable; !stable.None() && !w.Enters(stable) {
		w.Return = permit(w.Return, stable)
	}
	return w, nil
}

// DraftBirth gives the warrant that a birth has to be signed with.
func DraftBirth(snapshot states.Snapshot, application Application, now time.Time) (states.Warrant, error) {
	state, err := application.at()
	w := draftOf(snapshot, application.ID, states.Mark{Epoch: Seen(snapshot, states.Entry{}, now).Epoch})
	w.Enter = permit(nil, state)
	return w, err
}

// DraftRecovery gives the warrant that a recovery has to be signed with: it jumps, and is signed for that.
func DraftRecovery(snapshot states.Snapshot, wanted Recovery, now time.Time) (states.Warrant, error) {
	definition := snapshot.Definition.Value
	if wanted.Definition != nil {
		definition = *wanted.Definition
	}
	state, err := definition.Resolve(wanted.Target)
	seen := Seen(snapshot, wanted.Last, now)
	w := draftOf(snapshot, wanted.ID, seen)
	w.MaxGeneration, w.MaxEpoch = w.MaxGeneration+beyond, w.MaxEpoch+beyond
	w.Enter = permit(nil, state)
	return w, err
}

// follows gives the highest marks of the nodes that obey signed states only: what lies in Consul far
// beyond them was not signed.
func follows(snapshot states.Snapshot) (mark states.Mark) {
	for i := range snapshot.Nodes {
		if status := &snapshot.Nodes[i].Status; status.OK() && len(status.Value.Trust) > 0 {
			mark.Epoch, mark.Generation = max(mark.Epoch, status.Value.Epoch), max(mark.Generation, status.Value.Generation)
		}
	}
	return mark
}

func draftOf(snapshot states.Snapshot, request string, seen states.Mark) states.Warrant {
	return states.Warrant{Cluster: snapshot.Cluster, Request: request, Generation: seen.Generation,
		MaxGeneration: seen.Generation + states.WarrantGenerations, MaxEpoch: seen.Epoch + states.WarrantEpochs}
}

// permit adds a state, once.
func permit(to []states.Permit, state states.State) []states.Permit {
	if p := states.Permitted(state); !slices.Contains(to, p) {
		return append(to, p)
	}
	return to
}

// carry takes a request's warrant into the desired state of the draft, and says why agents would not
// follow that, or "". One that is to be signed yet is taken as if it were.
func (d *draft) carry(request states.Request, hops []states.Hop) string {
	p, desired := d.planner, d.rewrite()
	if request.Warrant != nil {
		if why := p.unfit(*request.Warrant, request.ID, hops); why != "" {
			return why
		}
		desired.Warrants = states.Warranted(desired.Warrants, request.Warrant)
	}
	if request.Unsigned {
		return ""
	}
	if why := p.distrust(*desired, hops); why != "" {
		return why + "; sign it: --sign-key FILE"
	}
	return ""
}

// warrantBytes is what the warrants take of a transaction: they are in the desired state, and before and
// after in the journal.
func (d *draft) warrantBytes() int {
	text, err := json.Marshal(d.rewrite().Warrants)
	if err != nil || len(d.desired.Warrants) == 0 {
		return 0
	}
	return 3 * len(text)
}

// unfit says why a warrant is not one for what it came with, or "".
func (p *planner) unfit(w states.Warrant, request string, hops []states.Hop) string {
	const again = "; sign it once more"
	switch err := w.Validate(); {
	case err != nil:
		return fmt.Sprintf("its warrant cannot be used: %v", err)
	case w.Cluster != p.Cluster || w.Request != request:
		return fmt.Sprintf("its warrant was signed for request %s of cluster %q", w.Request, w.Cluster)
	case w.Over(p.now):
		return "its warrant ended at " + w.NotAfter.UTC().Format(time.RFC3339) + again
	}
	if held := p.Desired.Value.Warrants; len(held) > 0 && p.known(held[0]) {
		if why := held[0].Mark().Refuses(w); why != "" {
			return why + again
		}
	}
	for _, hop := range hops {
		if !w.Enters(hop.State) && !w.Returns(hop.State) {
			return fmt.Sprintf("its warrant says nothing of %s as the definition has it now%s", hop.State, again)
		}
	}
	return ""
}

// known tells whether some node trusts whoever signed a warrant: what else lies there says nothing.
func (p *planner) known(w states.Warrant) bool {
	return slices.ContainsFunc(p.Nodes, func(n states.Node) bool { return n.Status.OK() && n.Status.Value.Trust.Knows(w) })
}

// distrust says why agents would not follow a desired state through its hops, by the keys that they
// say they trust, or "". Each is asked what it would ask itself.
func (p *planner) distrust(desired states.Desired, hops []states.Hop) string {
	answers, nodes := map[string]string{}, map[string][]string{}
	var whys []string
	for i := range p.Nodes {
		status := &p.Nodes[i].Status
		if !status.OK() || len(status.Value.Trust) == 0 || forgotten(&p.Nodes[i]) {
			continue
		}
		asked := fmt.Sprintf("%v %s %v", status.Value.Trust, status.Value.Tree, status.Value.State) // most nodes are alike, and a signature takes its time
		why, known := answers[asked]
		if !known {
			why = p.asks(status.Value, desired, hops)
			answers[asked] = why
		}
		if why == "" {
			continue
		}
		if nodes[why] == nil {
			whys = append(whys, why)
		}
		nodes[why] = append(nodes[why], p.Nodes[i].Name)
	}
	for i, why := range whys {
		whys[i] = list(nodes[why]) + " would not follow: " + why
	}
	return strings.Join(whys, "; ")
}

// asks is what one node would say to a desired state on each of its hops.
func (p *planner) asks(status states.Status, desired states.Desired, hops []states.Hop) string {
	tree := status.Tree
	if tree == "" && len(desired.Warrants) > 0 { // it has not looked yet
		tree = desired.Warrants[0].Tree
	}
	for _, hop := range hops {
		desired.State = hop.State
		if why := status.Trust.Refuses(desired, p.Cluster, tree, states.WarrantMark{}); why != "" {
			return why
		}
		if why := status.Trust.Forbids(desired, hop.State, status.State, p.now); why != "" {
			return why
		}
	}
	return ""
}

// lapsed says why a move that stands could not go on, or "": what it was signed with may be over, or the
// keys be others by now.
func (p *planner) lapsed() string {
	if why := p.distrust(p.Desired.Value, p.record.Hops[p.record.Hop:]); why != "" {
		return fmt.Sprintf("%s; sign a move anew: orch transition %s %s --supersede --sign-key FILE", why, p.Cluster, p.record.Target)
	}
	return ""
}

// signAnew takes a new warrant for where the cluster is: nobody runs anything for it.
func (p *planner) signAnew(request states.Request, target states.State) *Decision {
	until := "; it is signed anew"
	if w := request.Warrant; w != nil {
		until = " until " + w.NotAfter.UTC().Format("2006-01-02 15:04Z")
	}
	d := p.draft(states.EventAccepted, "%s is at %s: signed anew%s", p.Cluster, target, until)
	if why := d.carry(request, []states.Hop{{State: target}}); why != "" {
		return p.refuse(request, "%s", why)
	}
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

// NeedsSigning names the nodes that obey signed states only.
func NeedsSigning(snapshot states.Snapshot) []string {
	var names []string
	for i := range snapshot.Nodes {
		if status := &snapshot.Nodes[i].Status; status.OK() && len(status.Value.Trust) > 0 && !forgotten(&snapshot.Nodes[i]) {
			names = append(names, snapshot.Nodes[i].Name)
		}
	}
	return names
}
