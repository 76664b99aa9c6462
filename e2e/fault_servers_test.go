package e2e

import (
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
	rollout := func(name string, fault func(t *testing.T, move *process)) {
		t.Run(name, func(t *testing.T) {
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
	rollout("the leader is killed", func(t *testing.T, move *process) {
		dead := l.raftLeader()
		dead.kill()
		eventually(t, "another leader", 30*time.Second, func() bool { return l.raftLeader() != dead })
		dead.start()
	})
	rollout("the leader is frozen and comes back", func(t *testing.T, move *process) {
		frozen := l.raftLeader()
		frozen.signal(syscall.SIGSTOP)
		eventually(t, "another leader", 30*time.Second, func() bool { return l.raftLeader() != frozen })
		l.inBatch(move, "version "+itoa(version), 2)
		frozen.signal(syscall.SIGCONT)
	})
	rollout("two of three are killed", func(t *testing.T, move *process) {
		for _, name := range []string{"s1", "s2"} {
			l.hosts[name].kill()
		}
		eventually(t, "nobody to take a write", 30*time.Second, func() bool {
			code, _ := l.consul.http("PUT", "/v1/kv/e2e/up", time.Now().String())
			return code != 200
		})
		l.quiet(2 * time.Second)
		for _, name := range []string{"s1", "s2"} {
			l.hosts[name].start()
		}
		l.up()
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
// it still says.
func TestFaultServerThatIsCutOff(t *testing.T) {
	everything(t)
	l := newLab(t, "ops", "n1", "n2")
	l.net.cuts()
	l.born(`batches = [1]`, "n1", "n2")
	l.ctl("all", "pause=0.5")
	alone := l.raftLeader()
	move := l.orchStart("transition", "web", "version", "1")
	l.inBatch(move, "version 1", 1)
	for _, name := range l.servers {
		if other := l.hosts[name]; other != alone {
			l.net.deafen(alone.name, other.ip)
			l.net.deafen(other.name, alone.ip)
		}
	}
	if code := l.wait(move, 120*time.Second); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if code, text := l.from(alone.name).http("GET", "/v1/kv/orch/clusters/web/desired?consistent", ""); code == 200 {
		t.Fatalf("it was not cut off: %s", text)
	}
	for _, name := range l.servers {
		if other := l.hosts[name]; other != alone {
			l.net.mend(alone.name, other.ip)
			l.net.mend(other.name, alone.ip)
		}
	}
	l.up()
	l.serves("1", 1)
}
