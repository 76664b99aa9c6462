package states_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"orch/states"
)

func TestBackoff(t *testing.T) {
	for _, row := range []struct {
		delay    time.Duration
		failures int
		want     time.Duration
	}{
		{15 * time.Second, 0, 15 * time.Second},
		{15 * time.Second, 1, 15 * time.Second},
		{15 * time.Second, 2, 30 * time.Second},
		{15 * time.Second, 5, 4 * time.Minute},
		{15 * time.Second, 6, states.MaxBackoff},
		{15 * time.Second, 1 << 40, states.MaxBackoff},
		{10 * time.Minute, 1, 10 * time.Minute}, // asked for: never shorter
		{10 * time.Minute, 9, 10 * time.Minute},
		{0, 9, 0}, // who must not go round without a pause gives a delay
	} {
		if got := states.Backoff(states.Duration(row.delay), row.failures); got != row.want {
			t.Errorf("%s after %d failures: want %s, got %s", row.delay, row.failures, row.want, got)
		}
	}
}

func TestBackoffNeverShrinks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		delay := states.Duration(r.Int64N(int64(time.Hour)))
		failures := r.IntN(100)
		now, next := states.Backoff(delay, failures), states.Backoff(delay, failures+1)
		if next < now || now < delay.D() || now > max(delay.D(), states.MaxBackoff) {
			t.Fatalf("%s: %s after %d failures, %s after one more", delay, now, failures, next)
		}
	}
}

// The bound on a batch holds only if a leader calls no run lost that its agent is still ending.
func TestLeadersWaitLongerThanAgents(t *testing.T) {
	for _, timeout := range []time.Duration{time.Second, 10 * time.Second, 45 * time.Second, 30 * time.Minute, 24 * time.Hour} {
		kill, grace := states.KillGrace(states.Duration(timeout)).D(), states.Grace(states.Duration(timeout)).D()
		if kill < time.Second || kill > 10*time.Second {
			t.Errorf("%s: a run has %s to end, want 1s to 10s", timeout, kill)
		}
		if grace < kill+5*time.Second {
			t.Errorf("%s: the leader waits %s, and the agent kills only after %s", timeout, grace, kill)
		}
		for retries := range 4 {
			p := states.Policy{ConvergeTimeout: states.Duration(timeout), Retries: retries, RetryDelay: delay}
			agent := time.Duration(retries+1)*timeout + time.Duration(retries)*delay.D() + kill
			if allowed := p.Allowance(0); allowed < agent {
				t.Errorf("%s, %d retries: the leader allows %s, and an agent may take %s", timeout, retries, allowed, agent)
			}
		}
	}
}

func TestDefaultJoiners(t *testing.T) {
	for _, row := range []struct {
		policy string
		state  states.State
		want   string
	}{
		{states.JoinersDefault, v42, states.JoinersStable}, // A2: unproven until everybody reached it
		{states.JoinersDefault, off, states.JoinersTarget}, // a late node must not start
		{states.JoinersWait, off, states.JoinersWait},
		{states.JoinersTarget, v42, states.JoinersTarget},
		{states.JoinersStable, off, states.JoinersStable},
	} {
		if got := states.DefaultJoiners(row.policy, row.state); got != row.want {
			t.Errorf("policy %q towards %s: want %q, got %q", row.policy, row.state, row.want, got)
		}
	}
}
