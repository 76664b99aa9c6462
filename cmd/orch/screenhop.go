package main

import (
	"fmt"
	"strconv"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// rules puts on the page what holds for a hop, each on a line of its own.
func (v *view) hopRules(p *page, hop states.Hop, members int) {
	p.wrap(text("  "), policyText(hop.Policy, members))
	put := func(name, format string, args ...any) {
		p.hang(span{fmt.Sprintf("  %-9s ", name), dim}, 12, fmt.Sprintf(format, args...))
	}
	for _, r := range hop.Requires {
		put("requires", "%s", v.requirementText(r))
	}
	for _, gate := range hop.Gates {
		put("gate", "%s", gateText(gate))
	}
	policy := hop.Policy
	if policy.MinHealthy != (states.Size{}) {
		put("floor", "%d of %d have to stay healthy (min_healthy = %s); %d are now", policy.MinHealthy.Ceil(v.fit.Known), v.fit.Known, policy.MinHealthy, v.fit.Healthy)
	}
	if text := approveText(policy.Approve); text != "" {
		put("approve", "%s", text)
	}
	if text := soakText(policy); text != "" {
		put("soak", "%s", text)
	}
	if policy.GroupBy != "" {
		put("groups", "one %s after the other, by what the agents say of themselves", policy.GroupBy)
	}
	for _, d := range hop.Drains {
		put("drain", "service %s is taken out of the traffic before a run, and %s are waited", d.Service, d.Wait)
	}
	if hop.Primary != nil {
		put("primary", "%s goes last%s", primaryText(*hop.Primary), v.primaryNow())
	}
	if policy.ProgressDeadline > 0 {
		put("deadline", "%s without progress count as a failure (progress_deadline)", policy.ProgressDeadline)
	}
	if back := hop.Rollback; back != nil {
		put("rollback", "in batches %s; failures allowed %s", sizes(back.Batches), back.MaxFailures)
	}
}

// requirementText says what is wanted of another cluster, and whether it is so.
func (v *view) requirementText(r states.Requirement) string {
	names := make([]string, 0, len(r.States))
	for _, s := range r.States {
		names = append(names, s.String())
	}
	why := strings.TrimPrefix(orchestrator.Unmet(v.Snapshot, r, v.now), "requires ")
	switch {
	case why == "":
		return fmt.Sprintf("%s settled at %s: it is, at %s", r.Cluster, strings.Join(names, " or "), v.Evidence.Elsewhere[r.Cluster].State)
	case r.Wait > 0:
		return fmt.Sprintf("not met, waited for up to %s: %s", r.Wait, why)
	}
	return "not met: " + why
}

// gateText says what a gate looks at, when, and for how long.
func gateText(gate states.Gate) string {
	var what string
	when := "after every batch"
	switch gate.Kind {
	case states.GateConsulCheck:
		what = "the checks of service " + gate.Service
		if gate.Service == "" {
			what = "checks " + strings.Join(gate.Checks, ", ")
		}
		if gate.Scope == states.ScopeBatch {
			what += " on the batch's nodes"
		}
		if gate.At == states.AtStart {
			when = "before the first batch"
		}
	case states.GateHTTP:
		what = gate.URL.Fill("ARGUMENT")
	default:
		what = "the leader's own program of that name, or the key gates/" + gate.Name
	}
	text := fmt.Sprintf("%s (%s): %s, %s", gate.Name, gate.Kind, what, when)
	if gate.PassingFor > 0 {
		text += fmt.Sprintf(", passing for %s", gate.PassingFor)
	}
	text += fmt.Sprintf(", within %s", gate.Timeout)
	if gate.DryRun {
		text += "; a dry run, never in the way"
	}
	return text
}

func approveText(approve string) string {
	switch approve {
	case states.ApproveBeforeStart:
		return "somebody has to, before the first batch"
	case states.ApproveAfterFirstBatch:
		return "somebody has to, after the first batch"
	case states.ApproveAfterEachBatch:
		return "somebody has to, after each batch"
	}
	return ""
}

func soakText(policy states.Policy) string {
	var texts []string
	if policy.Soak > 0 {
		texts = append(texts, policy.Soak.String()+" after each batch")
	}
	if policy.FirstGroupSoak > policy.Soak {
		texts = append(texts, policy.FirstGroupSoak.String()+" after the first group")
	}
	return strings.Join(texts, ", ")
}

func primaryText(primary states.Primary) string {
	if primary.Lock != "" {
		return "whoever holds the lock " + primary.Lock
	}
	return "whoever has service " + primary.Service + " with the tag " + primary.Tag
}

// primaryNow names the primary, where somebody looked.
func (v *view) primaryNow() string {
	switch primary := v.Evidence.Primary; {
	case primary.Problem != "":
		return "; nobody can tell who that is: " + primary.Problem
	case len(primary.Nodes) > 0:
		return "; now that is " + few(primary.Nodes, 3)
	}
	return ""
}

func sizes(batches []states.Size) string {
	texts := make([]string, 0, len(batches))
	for _, b := range batches {
		texts = append(texts, b.String())
	}
	return strings.Join(texts, ", ")
}

// policyText says how a hop would be made, in words.
func policyText(policy states.Policy, members int) string {
	texts := []string{
		"batches " + sizes(policy.Batches),
		fmt.Sprintf("a run may take %s", policy.ConvergeTimeout),
		fmt.Sprintf("%s after %s", retries(policy.Retries), policy.RetryDelay),
		fmt.Sprintf("failures allowed %d (max_failures = %s)", policy.MaxFailures.Floor(members), policy.MaxFailures),
	}
	if policy.Retries == 0 {
		texts[2] = "no retries"
	}
	if policy.BatchFailures != nil {
		texts = append(texts, fmt.Sprintf("of a batch %s", *policy.BatchFailures))
	}
	texts = append(texts, map[string]string{states.PauseOnFailure: "then pause", states.ContinueOnFailure: "then continue, and fail at the end",
		states.RollbackOnFailure: "then roll back by itself"}[policy.OnFailure])
	if policy.OnLost == states.SkipLost {
		texts = append(texts, "lost nodes are skipped")
	}
	return strings.Join(texts, "; ")
}

func retries(n int) string {
	if n == 1 {
		return "1 retry"
	}
	return strconv.Itoa(n) + " retries"
}
