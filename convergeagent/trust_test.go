package convergeagent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// signer is somebody with a key, and what they signed so far.
type signer struct {
	t   *testing.T
	key ed25519.PrivateKey
}

func newSigner(t *testing.T, seed byte) signer {
	return signer{t, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))}
}

func (s signer) trusted(may ...string) states.TrustedKey {
	return states.TrustedKey{Name: "ci", Public: s.key.Public().(ed25519.PublicKey), States: may}
}

// sign signs a desired state for its own target, seen at the generation before.
func (s signer) sign(d states.Desired, valid time.Duration) states.Desired {
	w := states.Warrant{Tree: "dc1", Cluster: "web", Request: "q-" + d.Transition, Enter: []states.Permit{states.Permitted(d.State)},
		Generation: d.Generation - 1, MaxGeneration: d.Generation + 100, MaxEpoch: 100, Signed: time.Now(), NotAfter: time.Now().Add(valid)}
	if valid <= 0 {
		w.Signed = w.NotAfter.Add(-time.Hour)
	}
	made, err := w.Sign(s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	d.Warrants = []states.Warrant{made}
	return d
}

// trustingRig is a node that trusts one key, and writes down what it ran.
func trustingRig(t *testing.T, s signer, may ...string) (r *rig, ran func() string) {
	trace := filepath.Join(t.TempDir(), "trace")
	r = newRig(t, `echo "$1-$2" >> `+trace)
	r.config.Trust = states.Trust{s.trusted(may...)}
	r.kv.Put(keys.ID(), "dc1")
	return r, func() string { return strings.Join(lines(trace), " ") }
}

// refusing waits until the node says that it does not follow, and why; it has run nothing more.
func (r *rig) refusing(why string) states.Status {
	r.t.Helper()
	return r.until("refusing: "+why, func(s states.Status) bool {
		return s.Phase == states.Refusing && strings.Contains(s.Refused, why)
	})
}

func TestOnlyWhatIsSignedRuns(t *testing.T) {
	t.Parallel()
	ci := newSigner(t, 1)
	r, ran := trustingRig(t, ci, "version", "off")
	r.start()
	r.want(desired(1, "version 41"))
	r.refusing("it is not signed, and this node obeys signed states only")
	r.want(ci.sign(desired(1, "version 41"), time.Hour))
	if s := r.settled("version 41"); len(s.Trust) != 1 || s.Trust[0].Name != "ci" || s.Refused != "" {
		t.Errorf("it reports %s", text(s))
	}
	r.want(newSigner(t, 2).sign(desired(2, "version 66"), time.Hour))
	r.refusing("it is signed by key")
	r.want(ci.sign(desired(2, "converged"), time.Hour))
	r.refusing(`key "ci", which signed it, may not sign state "converged" here`)
	forged := ci.sign(desired(2, "version 42"), time.Hour)
	forged.State.Argument = "66"
	r.want(forged)
	s := r.refusing("says nothing of version 66")
	if s.Generation != 1 || s.State.String() != "version 41" {
		t.Errorf("it reports %s", text(s))
	}
	r.want(ci.sign(desired(2, "version 42"), time.Hour))
	r.settled("version 42")
	if got := ran(); got != "version-41 version-42" {
		t.Errorf("it ran %q", got)
	}
}

// What a leader does without anybody who signs: a stop is accepted, and starts nothing.
func TestStopsNeedNoNewWarrant(t *testing.T) {
	t.Parallel()
	ci := newSigner(t, 1)
	r, ran := trustingRig(t, ci, "*")
	d := closed(ci.sign(desired(3, "version 42"), time.Hour))
	r.want(d)
	r.start()
	r.until("waiting", func(s states.Status) bool { return s.Generation == 3 && s.Phase == states.Waiting })
	d.Generation++
	r.want(d)
	r.until("the stop", func(s states.Status) bool { return s.Generation == 4 && s.Phase == states.Waiting })
	d.Generation++
	r.want(d)
	r.until("resumed", func(s states.Status) bool { return s.Generation == 5 })
	r.order(d, "o-1")
	r.settled("version 42")
	if got := ran(); got != "version-42" {
		t.Errorf("it ran %q", got)
	}
}

// The mark of the newest warrant outlives the process: what was signed before it is a replay.
func TestAnOlderWarrantIsAReplay(t *testing.T) {
	t.Parallel()
	ci := newSigner(t, 1)
	r, ran := trustingRig(t, ci, "*")
	old := ci.sign(desired(2, "version 41"), time.Hour)
	r.want(old)
	r.start()
	r.settled("version 41")
	r.want(ci.sign(desired(5, "version 42"), time.Hour))
	r.settled("version 42")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	old.Generation, old.Transition = 50, "t-50"
	r.want(old)
	r.start()
	s := r.refusing("is older than that of request q-t-5, which was followed already")
	if s.Generation != 5 || ran() != "version-41 version-42" {
		t.Errorf("it ran %q and reports %s", ran(), text(s))
	}
	var m memory
	saved, err := os.ReadFile(filepath.Join(r.config.StateDir, memoryFile))
	if err != nil || json.Unmarshal(saved, &m) != nil || m.Warrant.Request != "q-t-5" || m.Mark.Generation != 5 {
		t.Errorf("it remembers %v, %v", m.Warrant, err)
	}
}

// A leader's token jumps nowhere: the mark is not moved by what is not followed.
func TestJumpsAreRefused(t *testing.T) {
	t.Parallel()
	ci := newSigner(t, 1)
	r, _ := trustingRig(t, ci, "*")
	d := ci.sign(desired(2, "version 41"), time.Hour)
	r.want(d)
	r.start()
	r.settled("version 41")
	jump := d
	jump.Generation = 1 << 50
	r.want(jump)
	r.refusing("is beyond 102, as far as its warrant goes")
	jump = d
	jump.Epoch = 1 << 50
	r.want(jump)
	r.refusing("is beyond 100, as far as its warrant goes")
	d.Generation++
	r.want(d)
	if s := r.settled("version 41"); s.Generation != 3 || s.Epoch != 1 {
		t.Errorf("its mark is %v", s.Mark)
	}
}

// What was signed for a time is not started after it; a node that is there stays what it is.
func TestAWarrantThatIsOverStartsNothing(t *testing.T) {
	t.Parallel()
	ci := newSigner(t, 1)
	r, ran := trustingRig(t, ci, "*")
	r.want(ci.sign(desired(2, "version 41"), -time.Minute))
	r.start()
	s := r.refusing("its warrant ended at")
	if s.Generation != 2 || ran() != "" {
		t.Errorf("it ran %q and reports %s", ran(), text(s))
	}
	r.want(ci.sign(desired(3, "version 41"), 2*time.Second))
	r.settled("version 41")
	r.until("its end is shown", func(s states.Status) bool {
		return s.Phase == states.Settled && strings.Contains(s.Reason, "its warrant is over") && s.Refused == ""
	})
}

// A warrant of one Consul is nothing in another, and the id that a node followed is remembered.
func TestAnotherConsulsWarrant(t *testing.T) {
	t.Parallel()
	ci := newSigner(t, 1)
	r, ran := trustingRig(t, ci, "*")
	r.kv.Put(keys.ID(), "dc2")
	r.want(ci.sign(desired(2, "version 41"), time.Hour))
	r.start()
	r.refusing(`its warrant is for the Consul with the id "dc1", and this one's is "dc2"`)
	if ran() != "" {
		t.Errorf("it ran %q", ran())
	}
}
