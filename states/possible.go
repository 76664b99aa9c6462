package states

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of what a document may hold, so that sums of it never run over. Whoever wants a longer time
// means never.
const (
	MaxDuration = Duration(10 * 365 * 24 * time.Hour)
	MaxNodes    = 1_000_000
)

// Validate finds values that no leader writes. The next leader then does nothing but say so: it would
// go on from where nobody was.
func (r Record) Validate() error {
	switch {
	case !ValidID(r.ID):
		return fmt.Errorf("id %q is malformed", r.ID)
	case !slices.Contains([]string{Running, Paused, Done, Aborted}, r.Status):
		return fmt.Errorf("status is %q; it is running, paused, done or aborted", r.Status)
	case r.Hop < 0 || r.Hop >= len(r.Hops):
		return fmt.Errorf("hop is %d, and there are %d", r.Hop, len(r.Hops))
	case r.Journal > maxCounter:
		return fmt.Errorf("journal %d is out of range", r.Journal)
	case tooMany(r.Past) || tooMany(r.Accepted):
		return fmt.Errorf("past %d or accepted %d is out of range", r.Past, r.Accepted)
	}
	for i, hop := range r.Hops {
		if err := hop.validate(); err != nil {
			return fmt.Errorf("hop %d: %w", i, err)
		}
	}
	for _, state := range []State{r.Start, r.Target} {
		if err := state.validate(); err != nil {
			return err
		}
	}
	names := make([]string, 0, len(r.Members))
	for _, m := range r.Members {
		names = append(names, m.Node)
	}
	if err := validNames(names); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	for _, c := range r.Counted {
		if !ValidNode(c.Node) || c.Kind != CountFailed && c.Kind != CountLost && c.Kind != CountSkipped {
			return fmt.Errorf("counted node %q or kind %q is malformed", c.Node, c.Kind)
		}
	}
	return r.Batch.validate()
}

// validNames finds what is no node's name, or is there twice.
func validNames(names []string) error {
	there := make(map[string]bool, len(names))
	for _, name := range names {
		if !ValidNode(name) {
			return fmt.Errorf("node name %q is malformed", name)
		}
		if there[name] {
			return fmt.Errorf("node %q is there twice", name)
		}
		there[name] = true
	}
	return nil
}

func (b Batch) validate() error {
	for _, n := range []int{b.Number, b.Hop, b.Size, b.Count, b.Failed, b.Before, b.Healthy} {
		if tooMany(n) {
			return fmt.Errorf("batch: %d is out of range", n)
		}
	}
	if !b.Opened && len(b.Nodes) > b.Size {
		return fmt.Errorf("batch: %d nodes in a batch of %d", len(b.Nodes), b.Size)
	}
	if err := validNames(b.Nodes); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	return nil
}

func (h Hop) validate() error {
	if h.State.None() {
		return errors.New("state must be named")
	}
	for _, state := range append([]State{h.State}, h.From...) {
		if err := state.validate(); err != nil {
			return err
		}
	}
	for _, policy := range []*Policy{&h.Policy, h.Rollback} {
		if policy == nil {
			continue
		}
		if err := policy.validate(); err != nil {
			return err
		}
	}
	for _, drain := range h.Drains {
		if !drain.Wait.possible() {
			return fmt.Errorf("drain %q: wait %s is out of range", drain.Service, drain.Wait)
		}
	}
	for _, gate := range h.Gates {
		if !gate.Timeout.possible() || !gate.PassingFor.possible() {
			return fmt.Errorf("gate %q: timeout or passing_for is out of range", gate.Name)
		}
	}
	for _, r := range h.Requires {
		if !ValidCluster(r.Cluster) || !r.Wait.possible() {
			return fmt.Errorf("requires %q: it is no cluster, or wait is out of range", r.Cluster)
		}
	}
	return nil
}

func (p Policy) validate() error {
	sizes := append([]Size{p.MaxFailures, p.MinHealthy}, p.Batches...)
	if p.BatchFailures != nil {
		sizes = append(sizes, *p.BatchFailures)
	}
	for _, size := range sizes {
		if tooMany(size.Count) || size.Percent && size.Count > 100 {
			return fmt.Errorf("policy: size %s is out of range", size)
		}
	}
	for _, d := range []Duration{p.ConvergeTimeout, p.RetryDelay, p.ProgressDeadline, p.Soak, p.FirstGroupSoak} {
		if !d.possible() {
			return fmt.Errorf("policy: duration %s is out of range", d)
		}
	}
	if p.ConvergeTimeout == 0 || tooMany(p.Retries) {
		return errors.New("policy: converge_timeout must be above 0, retries not below it")
	}
	return p.words()
}

// words finds a word that means nothing: acted on, it would mean what is built in.
func (p Policy) words() error {
	for _, w := range []struct {
		name, word string
		of         []string
	}{
		{"node_order", p.NodeOrder, []string{OrderUnhealthyFirst, OrderName, OrderRandom}},
		{"approve", p.Approve, []string{ApproveNever, ApproveBeforeStart, ApproveAfterFirstBatch, ApproveAfterEachBatch}},
		{"on_failure", p.OnFailure, []string{PauseOnFailure, ContinueOnFailure, RollbackOnFailure}},
		{"on_lost", p.OnLost, []string{FailLost, SkipLost}},
		{"joiners", p.Joiners, []string{JoinersDefault, JoinersStable, JoinersTarget, JoinersWait}},
	} {
		if !slices.Contains(w.of, w.word) {
			return fmt.Errorf("policy: %s is %q", w.name, w.word)
		}
	}
	return nil
}

// Validate finds values that no leader writes. Whoever reads the journal is told where one is.
func (e Entry) Validate() error {
	switch {
	case e.Seq == 0 || e.Seq > maxCounter || e.From > maxCounter:
		return fmt.Errorf("seq %d or from %d is out of range", e.Seq, e.From)
	case e.Epoch > maxCounter || e.Generation > maxCounter:
		return errors.New("epoch or generation is out of range")
	case e.Event == "":
		return errors.New("it does not say what happened")
	}
	return nil
}

func (d Duration) possible() bool { return d >= 0 && d <= MaxDuration }

func tooMany(n int) bool { return n < 0 || n > MaxNodes }
