package e2e

import (
	"strings"
	"testing"
	"time"
)

// Lines between hosts that work badly, each in the middle of a rollout: the rollout ends where it should,
// by itself.
func TestFaultsOfLines(t *testing.T) {
	everything(t)
	l := newLab(t, "ops", "n1", "n2")
	l.net.cuts()
	tool(t, "tc")
	tool(t, "nft")
	l.extra = []string{"--session-ttl", "10s"}
	l.born(`batches = [1]`, "n1", "n2")
	l.ctl("all", "pause=0.5")
	version := 0
	rollout := func(name, lease string, fault func(t *testing.T, move *process)) {
		t.Run(name, func(t *testing.T) {
			version++
			to := itoa(version)
			move := l.leads(lease, "transition", "web", "version", to)
			l.inBatch(move, "version "+to, 1)
			fault(t, move)
			if code := l.wait(move, 180*time.Second); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, move.text())
			}
			l.serves(to, 1)
		})
	}
	slow := func(t *testing.T, rate string, meanwhile func()) {
		for _, name := range l.servers {
			l.net.slow(name, rate)
		}
		meanwhile()
		delayed := 0
		for _, name := range l.servers {
			delayed += l.net.delayed(name)
			l.net.fast(name)
		}
		if delayed < 20 {
			t.Errorf("only %d packets waited for a line", delayed)
		}
		t.Logf("%d packets waited for a line", delayed)
	}
	// The lease is longer than what such a line delays: nobody loses it.
	rollout("the servers' lines are slow", "20s", func(t *testing.T, move *process) {
		before := l.epoch()
		slow(t, "256kbit", func() { l.inBatch(move, "version "+itoa(version), 3) })
		if now := l.epoch(); now != before {
			t.Errorf("the lease was lost: epoch %d, and then %d:\n%s", before, now, move.text())
		}
	})
	// On such lines Consul's servers lose each other for a while.
	rollout("the servers' lines are next to nothing", "10s", func(t *testing.T, move *process) {
		before := l.epoch()
		missed := func() int { return strings.Count(l.agents["web-01"].text(), "was not renewed") }
		sofar := missed()
		slow(t, "64kbit", func() {
			eventually(t, "an agent to miss Consul", 90*time.Second, func() bool { return missed() > sofar })
		})
		l.inBatch(move, "version "+itoa(version), 3)
		if now := l.epoch(); now > before+2 {
			t.Errorf("the lease went to and fro: epoch %d, and then %d:\n%s", before, now, move.text())
		}
	})
	rollout("a third of what the hosts send is answered with a reset", "10s", func(t *testing.T, move *process) {
		to := "version " + itoa(version)
		for _, name := range []string{"ops", "n1", "n2"} {
			l.net.filter(name, "output", "tcp dport { 8300, 8501 } numgen random mod 10 < 3 counter reject with tcp reset")
		}
		l.struck(t, 20, "ops", "n1", "n2")
		l.up()
		l.inBatch(move, to, 2)
	})
	rollout("three of ten packets are lost on the way from the servers", "10s", func(t *testing.T, move *process) {
		to := "version " + itoa(version)
		for _, name := range []string{"ops", "n1", "n2"} {
			l.net.filter(name, "input", "numgen random mod 10 < 3 counter drop")
		}
		l.inBatch(move, to, 3)
		l.struck(t, 20, "ops", "n1", "n2")
	})
}

// leads starts a command whose lease is as long as it says.
func (l *lab) leads(ttl string, args ...string) *process {
	l.t.Helper()
	return l.spawn([]string{"ORCH_OPERATOR=ada@bastion", "CONSUL_HTTP_TOKEN=" + l.consul.token}, orchBin, append(args, "--lease-ttl", ttl)...)
}

// struck waits until the filters of every host have struck so many packets, and takes them away.
func (l *lab) struck(t *testing.T, packets int, hosts ...string) {
	t.Helper()
	for _, name := range hosts {
		eventually(t, "the filter of "+name+" to strike", patience, func() bool { return l.net.filtered(name) >= packets })
	}
	for _, name := range hosts {
		l.net.unfilter(name)
	}
}
