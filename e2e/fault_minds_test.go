package e2e

import (
	"testing"
)

// Leaders die one after the other, and in between the definition is applied with other batches: a move
// keeps the policy that it began with, whoever leads it; the next one has the new one.
func TestFaultLeadersOfTwoMinds(t *testing.T) {
	everything(t)
	f := newField(t)
	f.serving(4, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=0.7")
	leads := f.orchStart("transition", "web", "version", "2")
	for i, batches := range []string{`batches = ["100%"]`, `batches = [3]`} {
		eventually(t, "another run", patience, func() bool { return len(f.to("version 2")) > i || !leads.running() })
		leads.kill()
		f.applies(versionHCL(batches))
		leads = f.orchStart("resume", "web")
	}
	if code := f.wait(leads, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, leads.text())
	}
	f.settledAt("version 2", 4)
	f.atMost(1, f.to("version 2"))
	f.once(f.runs())
	f.ok("transition", "web", "version", "3")
	f.atMost(3, f.to("version 3"))
	if runs := f.to("version 3"); len(runs) != 4 || runs[2].start > runs[0].stop {
		t.Errorf("the next move is not in batches of 3: %+v", runs)
	}
	f.clean()
}

// applies a definition, as soon as the lease of whoever died is over.
func (f *field) applies(definition string) {
	f.t.Helper()
	eventually(f.t, "the definition to be applied", patience, func() bool {
		text, code := f.orch("apply", "--yes", f.file("web.hcl", definition))
		if code != 0 && code != 6 {
			f.t.Fatalf("apply: exit code %d:\n%s", code, text)
		}
		return code == 0
	})
}
