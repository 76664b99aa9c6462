package states_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// signed is a cluster on its way from v41 to v42, and every word about it signed by a pipeline's key.
type signed struct {
	trust   states.Trust
	desired states.Desired
	cluster string
	tree    string
	last    states.WarrantMark
	reached states.State
	now     time.Time
	going   states.State // where the node would go
}

var (
	noon    = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	ciKey   = keyOf(1)
	opsKey  = keyOf(2)
	strange = keyOf(3)
)

func keyOf(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func public(key ed25519.PrivateKey) []byte { return key.Public().(ed25519.PublicKey) }

func art(s states.State, artifact string) states.State {
	s.Attributes = map[string]string{"artifact": artifact}
	s.Digest = states.Digest(s.Attributes)
	return s
}

func warrant(t testing.TB, key ed25519.PrivateKey, change func(*states.Warrant)) states.Warrant {
	t.Helper()
	w := states.Warrant{Tree: "dc1", Cluster: "web", Request: "q-2", Enter: []states.Permit{states.Permitted(art(v42, "b"))},
		Return: []states.Permit{states.Permitted(art(v41, "a"))}, Generation: 4, MaxGeneration: 1004, MaxEpoch: 100,
		Signed: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour)}
	if change != nil {
		change(&w)
	}
	made, err := w.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func signedMove(t testing.TB) *signed {
	earlier := warrant(t, ciKey, func(w *states.Warrant) {
		w.Request, w.Generation, w.Signed = "q-1", 1, noon.Add(-48*time.Hour)
		w.Enter, w.Return = []states.Permit{states.Permitted(art(v41, "a"))}, nil
	})
	d := move(func(d *states.Desired) { d.State, d.Stable = art(v42, "b"), art(v41, "a") })
	d.Warrants = []states.Warrant{warrant(t, ciKey, nil), earlier}
	return &signed{cluster: "web", tree: "dc1", now: noon, desired: d, going: d.State, last: earlier.Mark(),
		trust: states.Trust{{Name: "ci", Public: public(ciKey), States: []string{"version"}}, {Name: "ops", Public: public(opsKey), States: []string{"*"}}}}
}

// said is what the node answers: why it does not accept the document, or why it starts nothing.
func (s *signed) said() string {
	if why := s.trust.Refuses(s.desired, s.cluster, s.tree, s.last); why != "" {
		return "refuses: " + why
	}
	if why := s.trust.Forbids(s.desired, s.going, s.reached, s.now); why != "" {
		return "keeps: " + why
	}
	return "goes"
}

// resign makes the newest warrant anew.
func resign(t testing.TB, key ed25519.PrivateKey, change func(*states.Warrant)) func(*signed) {
	return func(s *signed) { s.desired.Warrants[0] = warrant(t, key, change) }
}

func TestSigned(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*signed)
		said   string
	}{
		"as signed":            {func(*signed) {}, "goes"},
		"no trust, no warrant": {func(s *signed) { s.trust, s.desired.Warrants = nil, nil }, "goes"},
		"no warrant":           {func(s *signed) { s.desired.Warrants = nil }, "refuses: it is not signed, and this node obeys signed states only"},

		// what the leader may do by itself
		"a pause":                 {func(s *signed) { paused(&s.desired) }, "goes"},
		"as far as it goes":       {func(s *signed) { s.desired.Generation, s.desired.Epoch = 1004, 100 }, "goes"},
		"back, by itself":         {func(s *signed) { s.desired.State, s.going = s.desired.Stable, s.desired.Stable }, "goes"},
		"a joiner to stable":      {func(s *signed) { s.going = s.desired.Stable }, "goes"},
		"the proof may be over":   {func(s *signed) { s.going, s.desired.Warrants[1] = s.desired.Stable, over(t) }, "goes"},
		"signed anew, same place": {func(s *signed) { s.desired.Generation = 4 }, "goes"},

		// rollback: what was signed before is played again
		"an older warrant, a higher generation": {func(s *signed) {
			s.last = s.desired.Warrants[0].Mark()
			s.desired.Warrants = s.desired.Warrants[1:]
			s.desired.State, s.going, s.desired.Generation = s.desired.Stable, s.desired.Stable, 900
		}, "refuses: its warrant, of request q-1, is older than that of request q-2"},
		"signed at one generation, earlier": {func(s *signed) {
			s.last = s.desired.Warrants[0].Mark()
			s.last.Signed = s.last.Signed.Add(time.Second)
		}, "refuses: its warrant, of request q-2, is older"},
		"below what the signer saw": {func(s *signed) { s.desired.Generation = 3 }, "refuses: generation 3 is below 4"},

		// freeze: what was signed long ago is held up
		"over":                                  {func(s *signed) { s.now = noon.Add(time.Hour) }, "keeps: its warrant ended at 2026-03-14 13:00Z"},
		"over, and there":                       {func(s *signed) { s.now, s.reached = noon.Add(time.Hour), s.going }, "goes"},
		"over, and elsewhere":                   {func(s *signed) { s.now, s.reached = noon.Add(time.Hour), art(v41, "a") }, "keeps: its warrant ended"},
		"a clock that is late only is not seen": {func(s *signed) { s.now = noon.Add(-1000 * time.Hour) }, "goes"},

		// fast-forward
		"a jump of generations":      {func(s *signed) { s.desired.Generation = 1005 }, "refuses: generation 1005 is beyond 1004"},
		"a jump of epochs":           {func(s *signed) { s.desired.Epoch = 101 }, "refuses: epoch 101 is beyond 100"},
		"a recovery without its own": {func(s *signed) { s.desired.Generation += 1000 }, "refuses: generation 1005 is beyond"},

		// mix and match
		"another cluster": {func(s *signed) { s.cluster = "db" }, `refuses: its warrant is for cluster "web"`},
		"another consul":  {func(s *signed) { s.tree = "dc2" }, `refuses: its warrant is for the Consul with the id "dc1"`},
		"no consul's id":  {func(s *signed) { s.tree = "" }, `refuses: its warrant is for the Consul with the id "dc1"`},
		"a consul that took another's id": {func(s *signed) {
			s.tree, s.last.Tree = "dc1", "dc2"
		}, `refuses: its warrant is for the Consul with the id "dc1", and this node followed "dc2" before`},
		"another state":        {func(s *signed) { s.desired.State = art(v43, "b") }, "refuses: its warrant, of request q-2, says nothing of version 43"},
		"another argument":     {func(s *signed) { s.desired.State.Argument = "66" }, "refuses: its warrant, of request q-2, says nothing of version 66"},
		"other attributes":     {func(s *signed) { s.desired.State = art(v42, "evil") }, "refuses: version 42 has other attributes"},
		"no attributes":        {func(s *signed) { s.desired.State = v42 }, "refuses: version 42 has other attributes"},
		"the digest alone":     {func(s *signed) { s.desired.State.Attributes = nil }, "refuses: version 42 has other attributes"},
		"a digest not its own": {func(s *signed) { s.desired.State.Digest = "0123456789ab" }, "refuses: version 42 has other attributes"},
		"serving is turned":    {func(s *signed) { s.desired.State.Serving = false }, "refuses: version 42 has other attributes"},
		"stable is planted": {func(s *signed) {
			s.desired.Stable = art(v41, "evil")
			s.going = s.desired.Stable
		}, "keeps: version 41 has other attributes"},
		"a way back that was never entered": {func(s *signed) {
			s.desired.Warrants[0] = warrant(t, ciKey, func(w *states.Warrant) { w.Return = []states.Permit{states.Permitted(art(v41, "evil"))} })
			s.going = art(v41, "evil")
		}, "keeps: its warrant lets the cluster return to version 41, and there is none that let it enter that"},
		"a proof of another cluster": {func(s *signed) {
			s.desired.Warrants[1] = warrant(t, ciKey, func(w *states.Warrant) {
				w.Cluster, w.Enter = "db", []states.Permit{states.Permitted(art(v41, "a"))}
			})
			s.going = s.desired.Stable
		}, "keeps: its warrant lets the cluster return to version 41, and there is none"},
		"a proof by a stranger": {func(s *signed) {
			s.desired.Warrants[1] = warrant(t, strange, func(w *states.Warrant) { w.Enter = []states.Permit{states.Permitted(art(v41, "a"))} })
			s.going = s.desired.Stable
		}, "keeps: its warrant lets the cluster return to version 41, and there is none"},
		"a request's name put on another": {func(s *signed) { s.desired.Warrants[0].Request = "q-9" }, "refuses: its warrant cannot be used: its signature does not fit"},

		// keys and rights
		"a stranger's key":    {resign(t, strange, nil), "refuses: it is signed by key"},
		"two keys, the other": {resign(t, opsKey, nil), "goes"},
		"a key without the right": {func(s *signed) {
			s.desired.Warrants[0] = warrant(t, ciKey, func(w *states.Warrant) { w.Enter = []states.Permit{states.Permitted(off)} })
			s.desired.State = off
		}, `refuses: key "ci", which signed it, may not sign state "off" here`},
		"a key that may": {func(s *signed) {
			s.desired.Warrants[0] = warrant(t, opsKey, func(w *states.Warrant) { w.Enter = []states.Permit{states.Permitted(off)} })
			s.desired.State, s.going = off, off
		}, "goes"},
		"a stranger's warrant under a trusted name": {func(s *signed) {
			s.desired.Warrants[0] = warrant(t, strange, nil)
			s.desired.Warrants[0].Key = public(ciKey)
		}, "refuses: its warrant cannot be used: its signature does not fit"},
		"a key that was taken out": {func(s *signed) { s.trust = s.trust[1:] }, `refuses: it is signed by key`},

		// what is garbled
		"one bit":         {func(s *signed) { s.desired.Warrants[0].Signature[7] ^= 1 }, "refuses: its warrant cannot be used: its signature does not fit"},
		"cut short":       {func(s *signed) { s.desired.Warrants[0].Signature = s.desired.Warrants[0].Signature[:63] }, "refuses: its warrant cannot be used"},
		"no signature":    {func(s *signed) { s.desired.Warrants[0].Signature = nil }, "refuses: its warrant cannot be used"},
		"no key":          {func(s *signed) { s.desired.Warrants[0].Key = nil }, "refuses: it is signed by key"},
		"later than said": {func(s *signed) { s.desired.Warrants[0].NotAfter = noon.Add(1000 * time.Hour) }, "refuses: its warrant cannot be used: its signature does not fit"},
		"half a second":   {func(s *signed) { s.desired.Warrants[0].NotAfter = noon.Add(time.Hour + time.Second/2) }, "refuses: its warrant cannot be used: its times"},
		"one permit more": {func(s *signed) {
			w := &s.desired.Warrants[0]
			w.Enter = append(w.Enter, states.Permitted(off))
		}, "refuses: its warrant cannot be used: its signature does not fit"},
		"a permit moved to the other list": {func(s *signed) {
			w := &s.desired.Warrants[0]
			w.Enter, w.Return = append(w.Enter, w.Return...), nil
		}, "refuses: its warrant cannot be used: its signature does not fit"},
		"more than anybody reads": {func(s *signed) {
			for len(s.desired.Warrants) < 1000 {
				s.desired.Warrants = append(s.desired.Warrants, s.desired.Warrants[0])
			}
		}, "refuses: it carries 1000 warrants"},
	} {
		t.Run(name, func(t *testing.T) {
			s := signedMove(t)
			row.change(s)
			if said := s.said(); !strings.HasPrefix(said, row.said) {
				t.Errorf("said %q, want %q", said, row.said)
			}
		})
	}
}

// over is the proof for v41, past its time.
func over(t testing.TB) states.Warrant {
	return warrant(t, ciKey, func(w *states.Warrant) {
		w.Request, w.Generation, w.Signed, w.NotAfter = "q-1", 1, noon.Add(-48*time.Hour), noon.Add(-47*time.Hour)
		w.Enter, w.Return = []states.Permit{states.Permitted(art(v41, "a"))}, nil
	})
}

// TestWarranted: a desired state carries the newest warrant, and what proves where that lets it return to.
func TestWarranted(t *testing.T) {
	s := signedMove(t)
	before := s.desired.Warrants
	if after := states.Warranted(before, nil); len(after) != 2 {
		t.Errorf("an unsigned request left %d warrants of 2", len(after))
	}
	next := warrant(t, opsKey, func(w *states.Warrant) {
		w.Request, w.Generation = "q-3", 6
		w.Enter, w.Return = []states.Permit{states.Permitted(off)}, []states.Permit{states.Permitted(art(v42, "b"))}
	})
	after := states.Warranted(before, &next)
	if len(after) != 2 || after[0].Request != "q-3" || after[1].Request != "q-2" {
		t.Errorf("carried: %v", after)
	}
	for range 20 { // however often: no more than two of them are ever needed
		next.Return = []states.Permit{states.Permitted(off)}
		after = states.Warranted(after, &next)
	}
	if len(after) > 2 {
		t.Errorf("%d warrants are carried", len(after))
	}
}
