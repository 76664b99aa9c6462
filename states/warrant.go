package states

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Warrant is a person's or a pipeline's signed word on which states a cluster may go to: agents
// that are given keys to trust obey nothing else. Whoever asks for a move signs one, a leader carries
// it from the request into the desired state as it is. Generations and orders stay the leader's: it
// can delay a move and cut it into batches, and invent none.
type Warrant struct {
	Schema  int      `json:"schema"`
	Tree    string   `json:"id"` // of the tree of keys: one Consul's warrant is nothing in another
	Cluster string   `json:"cluster"`
	Request string   `json:"request"`          // that it was signed for
	Enter   []Permit `json:"enter,omitempty"`  // every state on the way, and the target
	Return  []Permit `json:"return,omitempty"` // where the move may be taken back to, if another warrant let the cluster enter it

	Generation    uint64 `json:"generation"`     // of the desired state that the signer saw; it tells a newer warrant from an older one
	MaxGeneration uint64 `json:"max_generation"` // that a leader may count up to with it
	MaxEpoch      uint64 `json:"max_epoch"`

	Signed    time.Time `json:"signed"`
	NotAfter  time.Time `json:"not_after"` // nothing starts by it from then on
	Key       []byte    `json:"key"`       // the public half of the key that signed it
	Signature []byte    `json:"signature"`
}

// Permit is a state in a warrant. The digest in a State is short, and made to tell states apart;
// here all of the attributes are bound, by a digest that nobody finds a second text for.
type Permit struct {
	Name       string `json:"name"`
	Argument   string `json:"argument,omitempty"`
	Attributes string `json:"attributes,omitempty"` // SHA-256 of them; empty: there are none
	Serving    bool   `json:"serving"`
}

// How far a leader may count with one warrant: far enough for any move with its stops, and nowhere
// near where the counters end. A recovery jumps farther than that, and is signed for it.
const (
	WarrantGenerations = 500
	WarrantEpochs      = 100_000
	MaxPermits         = 16 // states in one warrant, of either kind
)

// DefaultValidity is how long a warrant counts where nobody says otherwise: a node that was away for
// a few weeks still catches up with nobody there, and a stolen one is of no use for ever.
const DefaultValidity = 30 * 24 * time.Hour

// Permitted gives a state as a warrant names it.
func Permitted(s State) Permit {
	return Permit{Name: s.Name, Argument: s.Argument, Attributes: wholeDigest(s.Attributes), Serving: s.Serving}
}

// wholeDigest is the SHA-256 of attributes, each key and value with its length before it.
func wholeDigest(attributes map[string]string) string {
	if len(attributes) == 0 {
		return ""
	}
	var text []byte
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		text = netstrings(text, key, attributes[key])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// netstrings writes texts so that they can be read back in one way only.
func netstrings(to []byte, texts ...string) []byte {
	for _, text := range texts {
		to = fmt.Appendf(to, "%d:%s,", len(text), text)
	}
	return to
}

// warrantDomain begins everything that is signed: no signature made for anything else fits.
const warrantDomain = "orch warrant 1\n"

// text is what is signed: every field but the signature, in a fixed order.
func (w Warrant) text() []byte {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	second := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	text := netstrings([]byte(warrantDomain), strconv.Itoa(w.Schema), w.Tree, w.Cluster, w.Request,
		number(w.Generation), number(w.MaxGeneration), number(w.MaxEpoch), second(w.Signed), second(w.NotAfter), string(w.Key))
	for _, list := range [][]Permit{w.Enter, w.Return} {
		text = netstrings(text, strconv.Itoa(len(list)))
		for _, p := range list {
			text = netstrings(text, p.Name, p.Argument, p.Attributes, strconv.FormatBool(p.Serving))
		}
	}
	return text
}

// Sign gives the warrant as it is carried.
func (w Warrant) Sign(key ed25519.PrivateKey) (Warrant, error) {
	w.Schema, w.Key = Schema, key.Public().(ed25519.PublicKey)
	w.Signed, w.NotAfter = w.Signed.UTC().Truncate(time.Second), w.NotAfter.UTC().Truncate(time.Second)
	w.Signature = ed25519.Sign(key, w.text())
	return w, w.Validate()
}

// Validate finds what no orch signs, and a signature that is not of the warrant's own key. Whether
// that key means anything is for whoever trusts it.
func (w Warrant) Validate() error {
	switch {
	case w.Schema != Schema:
		return fmt.Errorf("its schema is %d, and this version understands %d", w.Schema, Schema)
	case !ValidID(w.Tree) || !ValidCluster(w.Cluster) || !ValidID(w.Request):
		return fmt.Errorf("id %q, cluster %q or request %q is malformed", w.Tree, w.Cluster, w.Request)
	case len(w.Enter)+len(w.Return) == 0 || len(w.Enter) > MaxPermits || len(w.Return) > MaxPermits:
		return fmt.Errorf("it names %d states, and between 1 and %d of a kind are possible", len(w.Enter)+len(w.Return), MaxPermits)
	case w.Generation > w.MaxGeneration || w.MaxGeneration > maxCounter || w.MaxEpoch > maxCounter:
		return errors.New("its epoch or generations are out of range")
	case !whole(w.Signed) || !whole(w.NotAfter) || !w.NotAfter.After(w.Signed):
		return errors.New("its times are no whole seconds, or it ends before it begins")
	}
	for _, p := range slices.Concat(w.Enter, w.Return) {
		if err := (State{Name: p.Name, Argument: p.Argument}).validate(); err != nil || p.Name == "" {
			return errors.Join(errors.New("a state in it is malformed"), err)
		}
	}
	if len(w.Key) != ed25519.PublicKeySize || !ed25519.Verify(w.Key, w.text(), w.Signature) {
		return errors.New("its signature does not fit")
	}
	return nil
}

// whole tells whether a time is one of those that are signed: in seconds, which the text has them in.
func whole(t time.Time) bool { return t.Unix() > 0 && t.Equal(t.Truncate(time.Second)) }

// Enters tells whether the cluster may go to a state by this warrant.
func (w Warrant) Enters(s State) bool { return listed(w.Enter, s) }

// Returns tells whether the move may be taken back to a state by this warrant.
func (w Warrant) Returns(s State) bool { return listed(w.Return, s) }

// listed tells whether a state is one of those permitted, to the last attribute.
func listed(permits []Permit, s State) bool {
	return s.Digest == Digest(s.Attributes) && slices.Contains(permits, Permitted(s))
}

// names tells whether it names a state of that name and argument, whatever its attributes.
func (w Warrant) names(s State) bool {
	return slices.ContainsFunc(slices.Concat(w.Enter, w.Return), func(p Permit) bool { return p.Name == s.Name && p.Argument == s.Argument })
}

// Over tells whether nothing starts by it any more.
func (w Warrant) Over(now time.Time) bool { return !now.Before(w.NotAfter) }

// WarrantMark is what an agent durably remembers of the newest warrant that it followed, so that an
// older one, however genuine, is not followed after it.
type WarrantMark struct {
	Tree       string    `json:"id"`
	Generation uint64    `json:"generation"`
	Signed     time.Time `json:"signed"`
	Request    string    `json:"request"`
}

// Mark gives what is remembered of a warrant.
func (w Warrant) Mark() WarrantMark {
	return WarrantMark{Tree: w.Tree, Generation: w.Generation, Signed: w.Signed, Request: w.Request}
}

// Refuses says why a warrant must not be followed after the one of this mark, or "".
func (m WarrantMark) Refuses(w Warrant) string {
	switch {
	case m.Request == "":
		return ""
	case w.Tree != m.Tree:
		return fmt.Sprintf("its warrant is for the Consul with the id %q, and this node followed %q before", w.Tree, m.Tree)
	case w.Generation < m.Generation, w.Generation == m.Generation && w.Signed.Before(m.Signed):
		return fmt.Sprintf("its warrant, of request %s, is older than that of request %s, which was followed already", w.Request, m.Request)
	}
	return ""
}
