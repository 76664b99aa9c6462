package orchestrator

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"orch/states"
)

var (
	ciKey  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	opsKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
)

func trusted(name string, key ed25519.PrivateKey, may ...string) states.TrustedKey {
	return states.TrustedKey{Name: name, Public: key.Public().(ed25519.PublicKey), States: may}
}

// sign finishes a warrant for a day.
func (w *world) sign(key ed25519.PrivateKey, warrant states.Warrant) *states.Warrant {
	w.t.Helper()
	warrant.Tree, warrant.Signed, warrant.NotAfter = "dc1", w.now, w.now.Add(24*time.Hour)
	signed, err := warrant.Sign(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return &signed
}

// warrant signs a request as a command with a key does, where it is one for a move that can be planned.
func (w *world) warrant(key ed25519.PrivateKey, request *states.Request) {
	w.t.Helper()
	unsigned := *request
	unsigned.Unsigned = true
	preview := Foresee(w.snapshot, unsigned, w.leading, w.now)
	if TransitionOf(request.ID) != Follows(*request) || preview.Refused != "" {
		return
	}
	warrant, err := Draft(w.snapshot, unsigned, preview, w.now)
	if err != nil {
		w.fail("%v", err)
	}
	request.Warrant = w.sign(key, warrant)
}

// signed asks for something, signed.
func (w *world) signed(key ed25519.PrivateKey, request states.Request) string {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	id := w.ask(request)
	w.warrant(key, &w.snapshot.Requests[len(w.snapshot.Requests)-1].Value)
	return id
}

func (w *world) signedMove(key ed25519.PrivateKey, state, argument string) string {
	return w.signed(key, states.Request{Kind: states.AskTransition, Target: states.Ref{Name: state, Argument: argument}})
}

// answers gives what becomes of a request, once everybody had their turn.
func (w *world) answers(id string) states.Answer {
	w.settle()
	return w.answered(id)
}

// signing is a cluster of n nodes at version 1 that obey signed states only.
func signing(t testing.TB, n int, edit func(*states.Transition)) *world {
	w := serving(t, rollout(edit), n)
	w.distrust("version", "1")
	w.trust = states.Trust{trusted("ci", ciKey, "version", "converged"), trusted("ops", opsKey, states.AnyState)}
	for _, name := range w.names() {
		w.report(name)
	}
	w.story = nil
	return w
}

// distrust gives every agent of a cluster at rest the keys that it obeys from now on, and signs where it is.
func (w *world) distrust(state, argument string) {
	w.t.Helper()
	w.trust = states.Trust{trusted("ci", ciKey, states.AnyState)}
	for _, name := range w.names() {
		w.report(name)
	}
	if answer := w.answers(w.signedMove(ciKey, state, argument)); answer.Refused {
		w.fail("%s", answer.Reason)
	}
}

// Keys are given to agents of a cluster that was unsigned until then: signing where it is moves nobody.
func TestSigningBeginsWithoutARun(t *testing.T) {
	w := signing(t, 4, asIs)
	if d := w.snapshot.Desired.Value; len(d.Warrants) != 1 || len(d.Warrants[0].Enter) != 1 || w.record().Status != states.Done {
		w.fail("%+v", d)
	}
	for _, name := range w.names() {
		if a := w.agents[name]; a.refused != "" || a.warrant.Request == "" {
			w.fail("%s refuses: %s", name, a.refused)
		}
	}
	if len(w.went("version 1")) > 0 {
		w.fail("somebody ran")
	}
}

func TestUnsignedMovesAreRefusedEarly(t *testing.T) {
	w := signing(t, 3, asIs)
	for _, request := range []states.Request{
		{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"}},
		{Kind: states.AskTransition, Target: states.Ref{Name: "off"}},
	} {
		answer := w.answers(w.ask(request))
		if !answer.Refused || !strings.Contains(answer.Reason, "n00, n01, n02 would not follow: ") || !strings.Contains(answer.Reason, "--sign-key") {
			w.fail("%s: %+v", request.Target, answer)
		}
	}
	answer := w.answers(w.signedMove(ciKey, "off", ""))
	if !answer.Refused || !strings.Contains(answer.Reason, `key "ci", which signed it, may not sign state "off" here`) {
		w.fail("a right that the key does not have: %+v", answer)
	}
	if answer := w.answers(w.signedMove(opsKey, "off", "")); answer.Refused || w.at("off") != 3 {
		w.fail("the key that may: %+v", answer)
	}
}

// One warrant is enough for all hops of a path, and for what a leader does in between: another leader
// goes on with it, a stop and a resume change nothing of it.
func TestAWarrantIsCarried(t *testing.T) {
	w := signing(t, 4, asIs)
	if answer := w.answers(w.signedMove(opsKey, "off", "")); answer.Refused {
		w.fail("%+v", answer)
	}
	id := w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"}, Via: []string{"waiting", "converged"}})
	unsigned := w.snapshot.Requests[0].Value
	unsigned.Unsigned = true
	warrant, err := Draft(w.snapshot, unsigned, Foresee(w.snapshot, unsigned, w.leading, w.now), w.now)
	if err != nil || len(warrant.Enter) != 3 || len(warrant.Return) != 1 {
		w.fail("%v, %v", warrant, err)
	}
	carried := w.sign(opsKey, warrant)
	w.snapshot.Requests[0].Value.Warrant = carried
	same := func() {
		w.t.Helper()
		if held := w.snapshot.Desired.Value.Warrants; len(held) != 2 || !bytes.Equal(held[0].Signature, carried.Signature) {
			w.fail("it is not carried: %+v", held)
		}
	}
	w.until("the third hop", func() bool { return w.record().Hop == 2 && len(w.went("version 2")) > 0 })
	same()
	w.leading = Leading{Who: "bob@bastion", Epoch: w.leading.Epoch + 7}
	w.ask(states.Request{Kind: states.AskPause})
	w.settle()
	w.stands(states.Paused, states.ByOperator, "paused by")
	same()
	if answer := w.answers(w.ask(states.Request{Kind: states.AskResume})); answer.Refused {
		w.fail("%+v", answer)
	}
	same()
	if w.at("version 2") != 4 || w.answered(id).Refused {
		w.fail("%d are there", w.at("version 2"))
	}
	late := w.add("n09") // a late joiner has all that it has to know
	w.settle()
	if late.self.State.String() != "version 2" || late.refused != "" {
		w.fail("the joiner is at %s: %s", late.self.State, late.refused)
	}
}

// A late joiner in mid-move goes to the state that was reached, which the newest warrant lets the
// cluster return to, and an older one let it enter.
func TestAJoinerGoesToAStableThatIsSigned(t *testing.T) {
	w := signing(t, 6, func(t *states.Transition) { t.Policy.Joiners = states.JoinersStable })
	w.signedMove(ciKey, "version", "2")
	w.until("some are there", func() bool { return w.at("version 2") > 0 })
	late := w.add("n09")
	w.until("the joiner has run", func() bool { return !late.self.State.None() })
	if late.self.State.String() != "version 1" || late.refused != "" {
		w.fail("the joiner is at %s: %s", late.self.State, late.refused)
	}
}

// A leader goes back by itself, and a person does it without a key: the move was signed with its way back.
func TestTheWayBackIsSignedWithTheMove(t *testing.T) {
	for name, back := range map[string]func(*world){
		"by itself": func(w *world) { w.agents["n03"].bad = true },
		"by hand":   func(w *world) { w.ask(states.Request{Kind: states.AskRollback}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := signing(t, 5, func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure })
			w.signedMove(ciKey, "version", "2")
			w.until("some are there", func() bool { return w.at("version 2") > 1 })
			back(w)
			w.until("it goes back", func() bool { return w.record().Undoes != "" })
			w.agents["n03"].bad = false
			w.run()
			w.stands(states.Done, "", "version 1 is reached")
			if w.at("version 1") != 5 {
				w.fail("%d are back", w.at("version 1"))
			}
		})
	}
}

// Back from a move that is over, and there again, and signed anew on the way: each finds its proof.
func TestBackAndForth(t *testing.T) {
	w := signing(t, 3, asIs)
	w.signedMove(ciKey, "version", "2")
	w.settle()
	for i, want := range []string{"version 1", "version 2", "version 1"} {
		w.now = w.now.Add(time.Minute)
		request := states.Request{Kind: states.AskRollback}
		if i == 0 {
			w.ask(request)
		} else {
			w.signed(opsKey, request)
		}
		w.run()
		if w.at(want) != 3 || w.record().Status != states.Done {
			w.fail("%d are at %s", w.at(want), want)
		}
	}
	if answer := w.answers(w.signed(ciKey, states.Request{Kind: states.AskReconverge})); answer.Refused {
		w.fail("once more: %+v", answer)
	}
	if n := len(w.snapshot.Desired.Value.Warrants); n > 3 {
		w.fail("%d warrants are carried", n)
	}
}

// Whoever stole a leader's token writes what he likes, and no agent goes anywhere by it; nor does
// signing launder it.
func TestPlantedStatesAreNotSigned(t *testing.T) {
	w := signing(t, 4, asIs)
	evil := states.State{Name: "version", Argument: "1", Serving: true, Attributes: map[string]string{"artifact": "evil"}}
	evil.Digest = states.Digest(evil.Attributes)

	w.snapshot.Desired.Value.Stable = evil // the signer is shown it, and signs it as a way back
	if answer := w.answers(w.signedMove(ciKey, "version", "2")); answer.Refused {
		w.fail("%+v", answer)
	}
	if why := w.trust.Forbids(w.snapshot.Desired.Value, evil, states.State{}, w.now); !strings.Contains(why, "there is none that let it enter that") {
		w.fail("the planted state may be gone to: %q", why)
	}
	d, r := &w.snapshot.Desired.Value, &w.snapshot.Record.Value
	d.State, d.Generation = evil, d.Generation+1
	r.Hops[r.Hop].State, r.Generation = evil, d.Generation // else they are no pair, and nobody leads
	if answer := w.answers(w.signed(ciKey, states.Request{Kind: states.AskReconverge})); !answer.Refused {
		w.fail("the planted state was signed: %+v", answer)
	}
	if w.at("version 2") != 4 {
		w.fail("somebody moved")
	}
}

// What was signed for too long ago, for something else, or before what was followed since is refused by
// the leader, so that nobody waits for agents that would not go.
func TestWarrantsThatDoNotFit(t *testing.T) {
	for name, row := range map[string]struct {
		change func(w *world, warrant *states.Warrant)
		why    string
	}{
		"over":            {func(w *world, _ *states.Warrant) { w.now = w.now.Add(48 * time.Hour) }, "its warrant ended at"},
		"another request": {func(_ *world, warrant *states.Warrant) { warrant.Request = "q-99" }, "its warrant was signed for request q-99"},
		"another cluster": {func(_ *world, warrant *states.Warrant) { warrant.Cluster = "db" }, `of cluster "db"`},
		"another target":  {func(_ *world, warrant *states.Warrant) { warrant.Enter[0].Argument = "3" }, "says nothing of version 2 as the definition has it now"},
		"older":           {func(_ *world, warrant *states.Warrant) { warrant.Generation = 1 }, "is older than that of request"},
		"elsewhere":       {func(_ *world, warrant *states.Warrant) { warrant.Tree = "dc2" }, `for the Consul with the id "dc2"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := signing(t, 2, asIs)
			w.signedMove(ciKey, "version", "2")
			request := &w.snapshot.Requests[0].Value
			request.Expires = w.now.Add(100 * time.Hour)
			warrant := *request.Warrant
			at := w.now
			row.change(w, &warrant)
			tree := warrant.Tree
			signed := func() states.Warrant {
				warrant.Tree, warrant.Signed, warrant.NotAfter = tree, at, at.Add(24*time.Hour)
				made, err := warrant.Sign(ciKey)
				if err != nil {
					t.Fatal(err)
				}
				return made
			}()
			request.Warrant = &signed
			if answer := w.answers(request.ID); !answer.Refused || !strings.Contains(answer.Reason, row.why) || w.at("version 1") != 2 {
				w.fail("%+v", answer)
			}
		})
	}
}

// A move whose warrant ended while it stood is not resumed into agents that would not go.
func TestAMoveThatOutlastsItsWarrant(t *testing.T) {
	w := signing(t, 4, asIs)
	w.signedMove(ciKey, "version", "2")
	w.until("some are there", func() bool { return w.at("version 2") > 0 })
	w.ask(states.Request{Kind: states.AskPause})
	w.settle()
	w.now = w.now.Add(25 * time.Hour)
	for _, kind := range []string{states.AskResume, states.AskRetry} {
		answer := w.answers(w.ask(states.Request{Kind: kind}))
		if !answer.Refused || !strings.Contains(answer.Reason, "orch transition web version 2 --supersede --sign-key FILE") {
			w.fail("%+v", answer)
		}
	}
	id := w.signed(ciKey, states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"}, Supersede: true})
	w.run()
	if w.answered(id).Refused || w.at("version 2") != 4 {
		w.fail("%+v", w.answered(id))
	}
}

// A recovery jumps beyond what any other warrant allows, and so needs one of its own.
func TestARecoveryIsSigned(t *testing.T) {
	w := signing(t, 3, asIs)
	wanted := Recovery{Target: states.Ref{Name: "version", Argument: "1"}, Healthy: true, ID: "q-recover", By: "ada"}
	if _, err := Recover(w.snapshot, wanted, w.leading, w.now); err == nil || !strings.Contains(err.Error(), "as far as its warrant goes") {
		w.fail("%v", err)
	}
	warrant, err := DraftRecovery(w.snapshot, wanted, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	wanted.Warrant = w.sign(opsKey, warrant)
	change, err := Recover(w.snapshot, wanted, w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	if answer := w.answers(w.ask(states.Request{Kind: states.AskResume})); answer.Refused || w.at("version 1") != 3 {
		w.fail("%+v", answer)
	}
	for _, name := range w.names() {
		if a := w.agents[name]; a.refused != "" || a.mark.Generation < 1000 {
			w.fail("%s is at %d: %s", name, a.mark.Generation, a.refused)
		}
	}
}

// A birth is signed too, where agents wait for it that want that.
func TestABirthIsSigned(t *testing.T) {
	w := born(t, tier(), 2)
	w.trust = states.Trust{trusted("ops", opsKey, states.AnyState)}
	for _, name := range w.names() {
		*w.agents[name] = agent{self: states.Self{Instance: "i-" + name}, up: true}
		w.report(name)
	}
	nodes := w.snapshot.Nodes
	w.snapshot = states.Snapshot{Cluster: "web", Nodes: nodes}
	application := Application{Definition: tier(), Text: "x", ID: "q-birth", By: "ada"}
	if _, err := Apply(w.snapshot, application, w.leading, w.now); err == nil || !strings.Contains(err.Error(), "n00, n01 would not follow: it is not signed") {
		t.Fatal(err)
	}
	warrant, err := DraftBirth(w.snapshot, application, w.now)
	if err != nil {
		t.Fatal(err)
	}
	application.Warrant = w.sign(opsKey, warrant)
	change, err := Apply(w.snapshot, application, w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.snapshot.Definition = states.Doc[states.Cluster]{Value: tier(), Index: 1}
	w.commit(change)
	w.settle()
	if w.at("off") != 2 {
		w.fail("%d are there: %s", w.at("off"), w.agents["n00"].refused)
	}
}

// Generations far beyond what any node followed are not signed for: nobody had a key who wrote that.
func TestNobodySignsAJump(t *testing.T) {
	w := signing(t, 2, asIs)
	w.snapshot.Desired.Value.Generation = 1 << 50
	request := states.Request{ID: "q-1", Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"}}
	if _, err := Draft(w.snapshot, request, Preview{}, w.now); err == nil || !strings.Contains(err.Error(), "whoever wrote that had no key") {
		t.Errorf("%v", err)
	}
}
