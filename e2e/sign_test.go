package e2e

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// key makes a key that may sign some states, and gives its file and its block for a trust.
func (f *field) key(name string, may ...string) (path, block string) {
	f.t.Helper()
	path = filepath.Join(f.dir, name+".key")
	return path, f.ok("sign", "keygen", "--out", path, "--name", name, "--state", strings.Join(may, ","))
}

// trusting starts a node's agent with a file in which only these keys are trusted.
func (f *field) trusting(node string, blocks ...string) {
	f.t.Helper()
	dir := filepath.Join(f.dir, "agents", node)
	config := f.file(node+".hcl", fmt.Sprintf("cluster = \"web\"\nstate_dir = %q\nconverge \"exec\" { command = [%q] }\ntrust {\n%s\n}\n",
		dir, f.script(), strings.Join(blocks, "\n")))
	f.agents[node] = f.spawn(nil, agentBin, "--config", config, "--node", node, "--session-ttl", ttl.String(), "--lock-dir", filepath.Join(dir, "host"))
}

// everywhere waits until a number of nodes is settled at a state.
func (f *field) everywhere(n int, state string) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d nodes at %s", n, state), patience, func() bool {
		there := 0
		for node := range f.agents {
			if s := f.node(node); s.Phase == "settled" && strings.Contains(s.Reason, "at "+state) {
				there++
			}
		}
		return there == n
	})
}

// desired is what lies in Consul.
func (f *field) desired() (d states.Desired) {
	f.t.Helper()
	must(f.t, json.Unmarshal([]byte(f.consul.get("clusters/web/desired")), &d))
	return d
}

// plants writes a desired state as somebody does who may write into Consul, and has no key.
func (f *field) plants(d states.Desired) {
	f.t.Helper()
	text, err := json.Marshal(d)
	must(f.t, err)
	f.consul.put("clusters/web/desired", string(text))
}

// refuse waits until these nodes say that they do not follow what lies there, and why.
func (f *field) refuse(why string, nodes ...string) {
	f.t.Helper()
	for _, node := range nodes {
		eventually(f.t, node+" to refuse: "+why, patience, func() bool {
			s := f.node(node)
			return s.Phase == "refusing" && strings.Contains(s.Refused, why)
		})
	}
}

// The main job with signed states, end to end: a birth, a path of three hops, a late node, a way back
// and a recovery; agents that trust nobody in particular are among them, and notice nothing.
func TestSignedFromBirthToRecovery(t *testing.T) {
	f := newField(t)
	ops, opsBlock := f.key("ops", "*")
	ci, ciBlock := f.key("ci", "version", "converged")
	f.trusting("web-01", opsBlock, ciBlock)
	f.trusting("web-02", opsBlock, ciBlock)
	f.agent("web-03")
	f.alive(3)
	apply := []string{"apply", f.file("web.hcl", webHCL(`batches = [1, 2]`)), "--yes"}
	if out := f.exits(6, apply...); !strings.Contains(out, "web-01, web-02 would not follow: it is not signed") || !strings.Contains(out, "--sign-key FILE") {
		t.Errorf("a birth that nobody signed:\n%s", out)
	}
	f.ok(append(apply, "--sign-key", ops)...)
	f.everywhere(3, "off")

	if out := f.exits(6, "transition", "web", "version", "42", "--via", "waiting"); !strings.Contains(out, "would not follow: its warrant") {
		t.Errorf("a move that nobody signed:\n%s", out)
	}
	if out := f.ok("plan", "web", "version", "42"); !strings.Contains(out, "to be signed (--sign-key): web-01 web-02 obey signed states only") {
		t.Errorf("the plan:\n%s", out)
	}
	if out := f.exits(6, "transition", "web", "version", "42", "--sign-key", ci); !strings.Contains(out, `key "ci", which signed it, may not sign state "waiting" here`) {
		t.Errorf("a key without the right:\n%s", out)
	}
	f.ok("transition", "web", "version", "42", "--sign-key", ops)
	f.everywhere(3, "version 42")
	for _, state := range []string{"waiting", "converged", "version 42"} {
		runs := f.to(state)
		f.once(runs)
		if len(runs) != 3 {
			t.Errorf("%d runs to %s", len(runs), state)
		}
	}

	f.trusting("web-04", opsBlock, ciBlock) // nobody leads, and the warrant is there still
	f.everywhere(4, "version 42")
	f.ok("transition", "web", "version", "43", "--sign-key", ci)
	f.everywhere(4, "version 43")
	f.ok("rollback", "web") // signed with the move
	f.everywhere(4, "version 42")
	if out := f.exits(6, "transition", "web", "off", "--yes", "--sign-key", ci); !strings.Contains(out, `may not sign state "off" here`) {
		t.Errorf("a key without the right:\n%s", out)
	}

	if out := f.exits(6, "recover", "web", "version", "42", "--override", "healthy", "--yes"); !strings.Contains(out, "as far as its warrant goes") {
		t.Errorf("a recovery that nobody signed:\n%s", out)
	}
	f.ok("recover", "web", "version", "42", "--override", "healthy", "--yes", "--sign-key", ops)
	f.ok("resume", "web")
	f.everywhere(4, "version 42")
	if out := f.ok("fsck", "web"); strings.Contains(out, "problem") {
		t.Errorf("fsck:\n%s", out)
	}
}

// What somebody can do with the token of a leader, or of Consul itself: write every key by hand. The
// agents say why they do not follow, and run nothing.
func TestAStolenTokenMovesNobody(t *testing.T) {
	f := newField(t)
	ops, block := f.key("ops", "*")
	f.trusting("web-01", block)
	f.trusting("web-02", block)
	f.alive(2)
	f.web(`batches = ["100%"]`, "--sign-key", ops)
	f.ok("transition", "web", "version", "41", "--sign-key", ops)
	old := f.desired()
	f.ok("transition", "web", "version", "42", "--sign-key", ops)
	f.everywhere(2, "version 42")
	good, before, written := f.desired(), len(f.runs()), f.consul.get("clusters/web/desired")
	nodes := []string{"web-01", "web-02"}

	for name, row := range map[string]struct {
		change func(*states.Desired)
		why    string
	}{
		"another version": {func(d *states.Desired) { d.State.Argument = "66" }, "says nothing of version 66"},
		"no warrant":      {func(d *states.Desired) { d.Warrants = nil }, "it is not signed"},
		"a replay": {func(d *states.Desired) {
			mark := d.Mark
			*d = old
			d.Mark, d.Transition = mark, "t-replay"
		}, "which was followed already"},
		"a jump":           {func(d *states.Desired) { d.Generation = 1 << 50 }, "as far as its warrant goes"},
		"a jump of epochs": {func(d *states.Desired) { d.Epoch = 1 << 50 }, "as far as its warrant goes"},
		"a key of their own": {func(d *states.Desired) {
			d.State.Argument = "66"
			d.Warrants = []states.Warrant{signedBy(t, strangers(), *d, time.Hour)}
		}, "it is signed by key"},
		"garbled": {func(d *states.Desired) { d.Warrants[0].Signature = d.Warrants[0].Signature[:10] }, "its signature does not fit"},
		"another cluster's": {func(d *states.Desired) {
			w := signedBy(t, read(t, ops), *d, time.Hour)
			w.Cluster = "db"
			w, err := w.Sign(read(t, ops))
			must(t, err)
			d.Warrants = []states.Warrant{w}
		}, `its warrant is for cluster "db"`},
	} {
		bad := good
		bad.Warrants = append([]states.Warrant(nil), good.Warrants...)
		bad.Open, bad.Joiners, bad.Generation = true, states.JoinersTarget, good.Generation+1
		row.change(&bad)
		f.plants(bad)
		f.refuse(row.why, nodes...)
		if out := f.ok("why", "web", "web-01"); !strings.Contains(strings.Join(strings.Fields(out), " "), row.why) {
			t.Errorf("%s: orch why does not say so:\n%s", name, out)
		}
		f.consul.put("clusters/web/desired", written)
		f.everywhere(2, "version 42")
	}

	over := good
	over.State.Argument, over.Generation, over.Open = "44", good.Generation+1, true
	over.Warrants = []states.Warrant{signedBy(t, read(t, ops), over, -time.Minute)}
	f.plants(over)
	f.refuse("its warrant ended at", nodes...)
	f.exits(1, "fsck", "web") // the journal tells as well
	f.edits("what was planted last lies there still")
	if runs := f.runs(); len(runs) != before {
		t.Errorf("somebody ran: %+v", runs[before:])
	}
}

func strangers() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) }

// read reads a key of orch sign keygen, as openssl would.
func read(t *testing.T, path string) ed25519.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	return key.(ed25519.PrivateKey)
}

// signedBy signs a desired state for where it goes.
func signedBy(t *testing.T, key ed25519.PrivateKey, d states.Desired, valid time.Duration) states.Warrant {
	t.Helper()
	w := d.Warrants[0]
	w.Request, w.Enter, w.Return, w.Generation = "q-other", []states.Permit{states.Permitted(d.State)}, nil, d.Generation-1
	w.Signed, w.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(valid)
	signed, err := w.Sign(key)
	must(t, err)
	return signed
}

// Keys are changed with both trusted for a while; a cluster that was unsigned begins with a signature
// where it is. Neither moves a node.
func TestSigningBeginsAndKeysChange(t *testing.T) {
	f := newField(t)
	f.web(`batches = ["100%"]`)
	f.nodes(2)
	f.ok("transition", "web", "version", "7")
	before := len(f.runs())
	first, firstBlock := f.key("first", "*")
	second, secondBlock := f.key("second", "*")
	for _, step := range []struct {
		blocks []string
		key    string
	}{{[]string{firstBlock}, first}, {[]string{firstBlock, secondBlock}, second}, {[]string{secondBlock}, ""}} {
		for _, node := range []string{"web-01", "web-02"} {
			f.agents[node].signal(syscall.SIGTERM)
			f.wait(f.agents[node], patience)
		}
		f.gone(0)
		for _, node := range []string{"web-01", "web-02"} {
			f.trusting(node, step.blocks...)
		}
		f.alive(2)
		if step.key != "" {
			f.ok("transition", "web", "version", "7", "--sign-key", step.key)
		}
		f.everywhere(2, "version 7")
	}
	if runs := f.runs(); len(runs) != before {
		t.Errorf("somebody ran: %+v", runs[before:])
	}
	if out := f.exits(6, "transition", "web", "version", "8", "--sign-key", first); !strings.Contains(out, "it is signed by key") {
		t.Errorf("the old key:\n%s", out)
	}
	f.ok("transition", "web", "version", "8", "--sign-key", second)
	f.everywhere(2, "version 8")
}
