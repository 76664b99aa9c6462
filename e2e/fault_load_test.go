package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orch/states/skiptest"
)

// Consul refuses most requests because there are too many of them. Nothing is lost: it only takes longer.
func TestFaultRateLimits(t *testing.T) {
	f := newField(t)
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=0.4")
	f.consul.kill()
	f.consul.limits = `request_limits { mode = "enforcing" read_rate = 15 write_rate = 8 }`
	f.consul.start()
	move := f.orchStart("transition", "web", "version", "2")
	var refused atomic.Bool
	for begun := time.Now(); move.running() && time.Since(begun) < 5*time.Second; {
		var together sync.WaitGroup
		for range 8 { // far more than the limit, also on a machine under load
			together.Go(func() {
				code, _ := f.consul.http("PUT", "/v1/kv/e2e/load", time.Now().String())
				if code == 429 || code == 500 || code == 503 {
					refused.Store(true)
				}
			})
		}
		together.Wait()
		time.Sleep(50 * time.Millisecond) // and not all that it can
	}
	if code := f.wait(move, patience); code != 0 {
		f.ok("resume", "web")
	}
	f.consul.kill()
	f.consul.limits = ""
	f.consul.start()
	if !refused.Load() {
		t.Error("nothing was refused")
	}
	f.alive(3)
	f.settledAt("version 2", 3)
	f.atMost(1, f.to("version 2"))
	f.once(f.runs())
	f.clean()
}

// The disk of the server that leads is full, and then has room again.
func TestFaultFullDisk(t *testing.T) {
	everything(t)
	f := newField(t)
	disk := filepath.Join(f.dir, "disk")
	must(t, os.Mkdir(disk, 0o700))
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", disk).CombinedOutput(); err != nil {
		skiptest.Denied(t, "mount a small disk: %v: %s", err, out)
	}
	f.consul.kill()
	t.Cleanup(func() {
		f.consul.kill()
		if out, err := exec.Command("umount", "-l", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	must(t, os.CopyFS(filepath.Join(disk, "data"), os.DirFS(filepath.Join(f.consul.dir, "data"))))
	must(t, os.RemoveAll(filepath.Join(f.consul.dir, "data")))
	must(t, os.Symlink(filepath.Join(disk, "data"), filepath.Join(f.consul.dir, "data")))
	f.consul.start()
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=0.5")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first run", patience, func() bool { return len(f.to("version 2")) > 0 })
	full := filepath.Join(disk, "full")
	_ = exec.Command("dd", "if=/dev/zero", "of="+full, "bs=1M").Run() // fails when it is full
	failed := 0
	for i := range 400 { // the log of a new server has room for 64 MiB
		if code, _ := f.consul.http("PUT", "/v1/kv/e2e/load", fmt.Sprintf("%0500000d", i)); code != 200 {
			if failed++; failed == 3 {
				break
			}
		}
	}
	must(t, os.Remove(full))
	if failed == 0 {
		t.Error("the disk was never full")
	}
	f.consul.kill() // Consul does not get over it by itself
	f.consul.start()
	if code := f.wait(move, 2*time.Minute); code != 0 {
		f.ok("resume", "web")
	}
	eventually(t, "everybody to be there", patience, func() bool { return len(f.phase("settled")) == 3 })
	f.settledAt("version 2", 3)
	f.atMost(1, f.to("version 2"))
	f.once(f.runs())
	f.clean()
}

// Consul is restarted under five hundred agents, each a process: all of them are back soon, and a move
// goes through.
func TestFaultManyAgentsReconnect(t *testing.T) {
	everything(t)
	f := aloneField(t)
	const many = 500
	f.extra = []string{"--session-ttl", "30s"}
	f.web("batches = [200]\nconverge_timeout = \"5m\"")
	for i := range many {
		f.agent(fmt.Sprintf("web-%03d", i+1))
	}
	settled := func() bool {
		time.Sleep(300 * time.Millisecond) // looking costs Consul as much as ten agents do
		return f.settled() == many
	}
	eventually(t, "all to be there", 5*time.Minute, settled)
	f.consul.kill()
	eventually(t, "all to miss it", time.Minute, func() bool {
		for _, agent := range f.agents {
			if !strings.Contains(agent.text(), "consul does not answer") {
				return false
			}
		}
		return true
	})
	f.consul.start()
	begun := time.Now()
	move := f.orchStart("transition", "web", "waiting", "--yes")
	if code := f.wait(move, 5*time.Minute); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	eventually(t, "all to be there again", 5*time.Minute, settled)
	t.Logf("%d agents moved %s after Consul was back", many, time.Since(begun).Round(100*time.Millisecond))
	f.says(f.ok("history", "web"), "200 nodes of 500 members")
	f.atMost(200, f.to("waiting")) // more than Consul takes in one transaction
	f.once(f.runs())
	f.clean()
}

// settled counts the nodes that say that they are settled, in one look.
func (f *field) settled() int {
	_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/status/?recurse", "")
	var pairs []struct{ Value []byte }
	if json.Unmarshal([]byte(text), &pairs) != nil {
		return 0
	}
	n := 0
	for _, pair := range pairs {
		if bytes.Contains(pair.Value, []byte(`"phase": "settled"`)) {
			n++
		}
	}
	return n
}
