package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// Faults between hosts, each in the middle of a rollout of four nodes on two hosts, with two hosts to
// lead from.
func TestFaultsOfHosts(t *testing.T) {
	l := newLab(t, "ops", "ops2", "n1", "n2")
	l.net.cuts()
	l.born("batches = [1]\non_lost = \"skip\"", "n1", "n2")
	l.ctl("all", "pause=0.5")

	t.Run("the leader's host is cut off, and another takes over", func(t *testing.T) {
		move := l.orchStart("transition", "web", "version", "1")
		l.inBatch(move, "version 1", 1)
		l.net.cut("ops")
		l.sit("ops2")
		if text, code := l.orch("resume", "web"); code != 0 {
			t.Fatalf("resume: exit code %d:\n%s", code, text)
		}
		entries := l.entries()
		l.net.join("ops")
		l.wait(move, patience)
		if now := l.entries(); now != entries {
			t.Errorf("the leader that was cut off wrote %d entries more:\n%s", now-entries, move.text())
		}
		l.serves("1", 1)
	})

	t.Run("half of the nodes are cut off", func(t *testing.T) {
		everything(t)
		move := l.orchStart("transition", "web", "version", "2")
		l.inBatch(move, "version 2", 1)
		l.net.cut("n2")
		eventually(t, "the move to miss them", patience, func() bool {
			text, _ := l.orch("why", "web")
			return strings.Contains(text, "silent") || !move.running()
		})
		l.net.join("n2")
		if code := l.wait(move, 200*time.Second); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, move.text())
		}
		eventually(t, "everybody to be there", patience, func() bool { return len(l.phase("settled")) == 4 })
		l.serves("2", 1)
	})

	t.Run("the nodes' Consul agents are killed and come back", func(t *testing.T) {
		everything(t)
		move := l.orchStart("transition", "web", "version", "3")
		l.inBatch(move, "version 3", 1)
		for _, name := range []string{"n1", "n2"} {
			l.hosts[name].kill()
		}
		l.quiet(time.Second)
		for _, name := range []string{"n1", "n2"} {
			l.hosts[name].start()
		}
		if code := l.wait(move, 200*time.Second); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, move.text())
		}
		eventually(t, "everybody to be there", patience, func() bool { return len(l.phase("settled")) == 4 })
		l.serves("3", 1)
	})

	t.Run("the leader's Consul agent is killed and comes back", func(t *testing.T) {
		everything(t)
		move := l.orchStart("transition", "web", "version", "4")
		l.inBatch(move, "version 4", 1)
		l.hosts["ops2"].kill()
		time.Sleep(2 * ttl)
		l.hosts["ops2"].start()
		if code := l.wait(move, 120*time.Second); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, move.text())
		}
		l.serves("4", 1)
	})

	t.Run("the nodes' Consul agents let few requests through", func(t *testing.T) {
		everything(t)
		few := func(limits string) {
			for _, name := range []string{"n1", "n2"} {
				l.hosts[name].kill()
				l.hosts[name].limits = limits
				l.hosts[name].start()
			}
		}
		move := l.orchStart("transition", "web", "version", "6")
		l.inBatch(move, "version 6", 1)
		few("rpc_rate = 3  rpc_max_burst = 3")
		eventually(t, "an agent to be refused", patience, func() bool {
			return strings.Contains(l.agents["web-01"].text()+l.agents["web-02"].text(), "rate limit")
		})
		few("")
		if code := l.wait(move, 200*time.Second); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, move.text())
		}
		eventually(t, "everybody to be there", patience, func() bool { return len(l.phase("settled")) == 4 })
		l.serves("6", 1)
	})

	t.Run("the leader is frozen beyond its lease, and comes back", func(t *testing.T) {
		everything(t)
		move := l.orchStart("transition", "web", "version", "5")
		l.inBatch(move, "version 5", 1)
		move.signal(syscall.SIGSTOP)
		if text, code := l.orch("resume", "web"); code != 0 {
			t.Fatalf("resume: exit code %d:\n%s", code, text)
		}
		entries := l.entries()
		move.signal(syscall.SIGCONT)
		l.wait(move, patience)
		if now := l.entries(); now != entries {
			t.Errorf("the leader that was frozen wrote %d entries more:\n%s", now-entries, move.text())
		}
		l.serves("5", 1)
	})
}
