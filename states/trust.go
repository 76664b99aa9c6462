package states

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trust is the keys that a node obeys, each with the states that it may sign. It stands in the
// agent's own file. Without any the agent obeys whoever may write into Consul.
type Trust []TrustedKey

// TrustedKey is one of them.
type TrustedKey struct {
	Name   string   `json:"name"`
	Public []byte   `json:"public"`
	States []string `json:"states"` // by name; AnyState: all
}

// AnyState stands for every state among those that a key may sign.
const AnyState = "*"

// May tells whether the key may sign a state.
func (k TrustedKey) May(state string) bool {
	return slices.Contains(k.States, AnyState) || slices.Contains(k.States, state)
}

// Refuses says why a desired state must not be accepted, or "". It says nothing about time: what was
// signed is authentic for ever, and it is Forbids that keeps anything from starting too late.
func (t Trust) Refuses(desired Desired, cluster, tree string, last WarrantMark) string {
	if len(t) == 0 {
		return ""
	}
	if len(desired.Warrants) == 0 {
		return "it is not signed, and this node obeys signed states only"
	}
	newest := desired.Warrants[0]
	if why := t.permits(desired.Warrants, desired.State); why != "" {
		return why
	}
	switch {
	case newest.Cluster != cluster:
		return fmt.Sprintf("its warrant is for cluster %q", newest.Cluster)
	case newest.Tree != tree:
		return fmt.Sprintf("its warrant is for the Consul with the id %q, and this one's is %q", newest.Tree, tree)
	case desired.Generation < newest.Generation:
		return fmt.Sprintf("generation %d is below %d, which its warrant was signed at", desired.Generation, newest.Generation)
	case desired.Generation > newest.MaxGeneration:
		return fmt.Sprintf("generation %d is beyond %d, as far as its warrant goes", desired.Generation, newest.MaxGeneration)
	case desired.Epoch > newest.MaxEpoch:
		return fmt.Sprintf("epoch %d is beyond %d, as far as its warrant goes", desired.Epoch, newest.MaxEpoch)
	}
	return last.Refuses(newest)
}

// Forbids says why a node must not go to a state now, or "": what was accepted may say it, and the
// time of that be over. To be kept at the state that it reached before takes no new signature.
func (t Trust) Forbids(desired Desired, state, reached State, now time.Time) string {
	if len(t) == 0 {
		return ""
	}
	if why := t.permits(desired.Warrants, state); why != "" {
		return why
	}
	if newest := desired.Warrants[0]; newest.Over(now) && !state.Same(reached) {
		return fmt.Sprintf("its warrant ended at %s, and by this node's clock it is %s", minute(newest.NotAfter), minute(now))
	}
	return ""
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// permits says why the warrants of a desired state do not let a node go to a state, or "". The newest
// one decides. Where it lets a move be taken back, what lies in Consul about that state has to be what
// was signed once: whoever signed the newest saw no more than that.
func (t Trust) permits(warrants []Warrant, state State) string {
	switch {
	case len(warrants) == 0:
		return fmt.Sprintf("nobody signed %s", state)
	case len(warrants) > MaxPermits+1:
		return fmt.Sprintf("it carries %d warrants, and no leader writes more than %d", len(warrants), MaxPermits+1)
	}
	newest := warrants[0]
	key, why := t.signer(newest)
	switch {
	case why != "":
		return why
	case !key.May(state.Name):
		return fmt.Sprintf("key %q, which signed it, may not sign state %q here", key.Name, state.Name)
	case newest.Enters(state):
		return ""
	case !newest.Returns(state) && newest.names(state):
		return fmt.Sprintf("%s has other attributes here than were signed", state)
	case !newest.Returns(state):
		return fmt.Sprintf("its warrant, of request %s, says nothing of %s", newest.Request, state)
	}
	for _, w := range warrants[1:] {
		older, why := t.signer(w)
		if why == "" && older.May(state.Name) && w.Tree == newest.Tree && w.Cluster == newest.Cluster && w.Enters(state) {
			return ""
		}
	}
	return fmt.Sprintf("its warrant lets the cluster return to %s, and there is none that let it enter that", state)
}

// signer finds the trusted key that a warrant is signed by.
func (t Trust) signer(w Warrant) (TrustedKey, string) {
	i := slices.IndexFunc(t, func(k TrustedKey) bool { return bytes.Equal(k.Public, w.Key) })
	if i < 0 {
		return TrustedKey{}, fmt.Sprintf("it is signed by key %s, and this node trusts %s", KeyText(w.Key), t)
	}
	if err := w.Validate(); err != nil {
		return TrustedKey{}, fmt.Sprintf("its warrant cannot be used: %v", err)
	}
	return t[i], ""
}

// Knows tells whether a warrant is genuine, and signed by one of the keys.
func (t Trust) Knows(w Warrant) bool {
	_, why := t.signer(w)
	return why == ""
}

// String names the keys.
func (t Trust) String() string {
	names := make([]string, 0, len(t))
	for _, k := range t {
		names = append(names, fmt.Sprintf("%q", k.Name))
	}
	return strings.Join(names, ", ")
}

// KeyText spells a public key as a trust block has it.
func KeyText(public []byte) string { return Clip(base64.StdEncoding.EncodeToString(public), 64) }

// Warranted gives the warrants that a desired state carries once a new one is added: that one, and of
// the others those by which what it lets the move be taken back to was entered. Those who come late
// find all that they have to know.
func Warranted(before []Warrant, newest *Warrant) []Warrant {
	if newest == nil {
		return before
	}
	carried := []Warrant{*newest}
	for _, permit := range newest.Return {
		proves := func(w Warrant) bool { return slices.Contains(w.Enter, permit) }
		if i := slices.IndexFunc(before, proves); i >= 0 && !slices.ContainsFunc(carried, proves) {
			carried = append(carried, before[i])
		}
	}
	return carried
}
