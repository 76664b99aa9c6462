package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// Faults of the Consul servers, one after the other in one datacenter, each in the middle of a
// rollout: whatever happens to them, the rollout ends where it should, by itself.
func TestFaultsOfServers(t *testing.T) {
	l := newLab(t, "ops", "n1", "n2")
	l.born(`batches = [1]`, "n1", "n2")
	l.ctl("all", "pause=0.5")
	version := 0
	quick := map[string]bool{"the leader is killed": true, "two of three are killed": true}
	rollout := func(name string, fault func(t *testing.T, move *process)) {
		t.Run(name, func(t *testing.T) {
			if !quick[name] {
				everything(t)
			}
			version++
			to := itoa(version)
			move := l.orchStart("transition", "web", "version", to)
			l.inBatch(move, "version "+to, 1)
			fault(t, move)
			if code := l.wait(move, 120*time.Second); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, move.text())
			}
			l.serves(to, 1)
		})
	}
	t.Run("who leads through a server is told", func(t *testing.T) {
		l.sit("s1")
		defer l.sit("ops")
		l.says(l.ok("transition", "web", "version", "100"), "is one of Consul's servers", "lead through a client agent")
	})
	t.Run("the server that somebody leads through dies", func(t *testing.T) {
		everything(t)
		l.sit("s1")
		defer l.sit("ops")
		move := l.orchStart("transition", "web", "version", "101")
		l.inBatch(move, "version 101", 1)
		l.hosts["s1"].kill()
		eventually(t, "the move to wait", patience, func() bool { return strings.Contains(move.text(), "waiting for") })
		l.hosts["s1"].start()
		if code := l.wait(move, 120*time.Second); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, move.text())
		}
		l.serves("101", 1)
	})
	rollout("the leader is killed", func(t *testing.T, move *process) {
		dead := l.raftLeader()
		dead.kill()
		eventually(t, "another leader", patience, func() bool { return l.raftLeader() != dead })
		dead.start()
	})
	rollout("the leader is frozen and comes back", func(t *testing.T, move *process) {
		frozen := l.raftLeader()
		frozen.signal(syscall.SIGSTOP)
		eventually(t, "another leader", patience, func() bool { return l.raftLeader() != frozen })
		l.inBatch(move, "version "+itoa(version), 2)
		frozen.signal(syscall.SIGCONT)
	})
	rollout("two of three are killed", func(t *testing.T, move *process) {
		for _, name := range []string{"s1", "s2"} {
			l.hosts[name].kill()
		}
		eventually(t, "nobody to take a write", patience, func() bool {
			code, _ := l.consul.http("PUT", "/v1/kv/e2e/up", time.Now().String())
			return code != 200
		})
		l.quiet(2 * time.Second)
		for _, name := range []string{"s1", "s2"} {
			l.hosts[name].start()
		}
		l.up()
	})
	rollout("two of three are away for longer than leases, sessions and runs last", func(t *testing.T, move *process) {
		to := "version " + itoa(version)
		before := l.epoch()
		for _, name := range []string{"s2", "s3"} {
			l.hosts[name].kill()
		}
		running := l.to(to)
		eventually(t, "the run to end, and nobody to hear of it", patience, func() bool {
			runs := l.to(to)
			return runs[len(runs)-1].stop != 0 && strings.Contains(l.agents[runs[len(runs)-1].node].text(), "was not delivered")
		})
		eventually(t, "the leader to know that it leads no more", patience, func() bool { return strings.Contains(move.text(), "the lease is gone") })
		l.quiet(2 * time.Second)
		for _, name := range []string{"s2", "s3"} {
			l.hosts[name].start()
		}
		l.up()
		eventually(t, "it to lead again", patience, func() bool { return l.epoch() > before })
		if now := l.to(to); now[0].id != running[0].id || now[0].stop == 0 {
			t.Errorf("the first run is another one: %+v", now)
		}
	})
	rollout("all are restarted, one by one", func(t *testing.T, move *process) {
		for _, name := range l.servers {
			l.hosts[name].kill()
			l.hosts[name].start()
			l.up()
		}
	})
	rollout("all are killed", func(t *testing.T, move *process) {
		for _, name := range l.servers {
			l.hosts[name].kill()
		}
		for _, name := range l.servers {
			l.hosts[name].start()
		}
		l.up()
	})
}

// The server that leads is cut off from the others while clients still reach it: nobody acts on what
// it still says, not even the agent of a node whose only way to Consul it is.
func TestFaultServerThatIsCutOff(t *testing.T) {
	everything(t)
	l := newLab(t, "ops", "n1", "n2")
	l.net.cuts()
	l.born(`batches = [1]`, "n1", "n2")
	alone := l.raftLeader()
	l.boot("web-09", alone.name)
	l.alive(5)
	eventually(t, "web-09 to be there", patience, func() bool { return l.node("web-09").Phase == "settled" })
	l.ctl("all", "pause=0.5")
	move := l.orchStart("transition", "web", "version", "1")
	l.inBatch(move, "version 1", 1)
	for _, name := range l.servers {
		if other := l.hosts[name]; other != alone {
			l.net.deafen(alone.name, other.ip)
			l.net.deafen(other.name, alone.ip)
		}
	}
	l.inBatch(move, "version 1", 2)
	eventually(t, "web-09 to miss Consul", patience, func() bool { return strings.Contains(l.agents["web-09"].text(), "was not renewed") })
	if code, text := l.from(alone.name).http("GET", "/v1/kv/orch/clusters/web/desired?consistent", ""); code == 200 {
		t.Fatalf("it was not cut off: %s", text)
	}
	if code, text := l.from(alone.name).http("GET", "/v1/kv/orch/clusters/web/desired?stale", ""); code != 200 {
		t.Fatalf("nobody reaches it: %d %s", code, text)
	}
	for _, r := range l.to("version 1") {
		if r.node == "web-09" {
			t.Errorf("it ran on what a server says that lost the others: %+v", r)
		}
	}
	for _, name := range l.servers {
		if other := l.hosts[name]; other != alone {
			l.net.mend(alone.name, other.ip)
			l.net.mend(other.name, alone.ip)
		}
	}
	if code := l.wait(move, 180*time.Second); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	l.up()
	eventually(t, "everybody to be there", patience, func() bool { return len(l.phase("settled")) == 5 })
	l.serves("1", 1)
}
