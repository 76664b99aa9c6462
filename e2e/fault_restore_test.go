package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Consul is made anew, with all that lay in it: the indexes of keys are others, lower than agents have
// seen, and nobody's session is there. Nothing needs to be recovered, and nobody runs anything anew.
func TestFaultConsulIsMadeAnew(t *testing.T) {
	t.Parallel()
	ways := map[string]func(f *field) (back func()){
		"from a snapshot": func(f *field) func() {
			saved := f.consul.snapshot()
			return func() { f.consul.restore(saved) }
		},
		"from exported keys": func(f *field) func() {
			file := f.file("keys.json", f.kv("export", "orch/"))
			return func() { f.kv("import", "@"+file) }
		},
	}
	for name, save := range ways {
		t.Run(name, func(t *testing.T) {
			if name == "from a snapshot" {
				everything(t)
			}
			f := newField(t)
			for i := range 300 {
				f.consul.put("noise", fmt.Sprint(i)) // so that indexes are high
			}
			f.serving(3, `batches = [1]`)
			f.ok("transition", "web", "version", "2")
			eventually(t, "all to be there", patience, func() bool { return len(f.phase("settled")) == 3 })
			back, before, runs := save(f), f.index("desired"), len(f.runs())
			f.consul.kill()
			must(t, os.RemoveAll(filepath.Join(f.consul.dir, "data")))
			f.consul.start()
			back()
			if now := f.index("desired"); name == "from exported keys" && now >= before {
				t.Errorf("the index is %d, and was %d", now, before)
			}
			f.alive(3)
			f.says(f.ok("recover", "web"), "Nothing is wrong")
			f.ok("transition", "web", "version", "3")
			f.settledAt("version 3", 3)
			f.atMost(1, f.to("version 3"))
			f.once(f.runs())
			f.neverBackwards()
			if now := len(f.runs()); now != runs+3 {
				t.Errorf("%d runs, want 3", now-runs)
			}
			f.clean()
		})
	}
}

// index is the one at which a key was written.
func (f *field) index(key string) uint64 {
	f.t.Helper()
	_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/"+key, "")
	var pairs []struct{ ModifyIndex uint64 }
	must(f.t, json.Unmarshal([]byte(text), &pairs))
	return pairs[0].ModifyIndex
}

// kv is Consul's own command.
func (f *field) kv(args ...string) string {
	f.t.Helper()
	var problems strings.Builder
	cmd := exec.Command(consulBin, append([]string{"kv"}, args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "CONSUL_HTTP_ADDR="+f.consul.addr), &problems
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("consul kv %s: %v: %s", args[0], err, problems.String())
	}
	return string(out)
}
