package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

// planFile writes a plan down as it was shown.
func (v *view) planFile(ctx context.Context, c *consul, request states.Request, preview orchestrator.Preview, foretold orchestrator.Foretold) (orchestrator.PlanFile, error) {
	file := orchestrator.NewPlanFile(v.Snapshot, request, preview, foretold, v.now)
	file.Datacenter, file.Address = v.place.Datacenter, v.place.Address
	id, err := c.identify(ctx, v.Cluster)
	file.Tree = id
	return file, err
}

// writePlan puts a plan into a file, all of it or nothing; one that lies there is replaced. Nobody else
// may read it: it names nodes, and what there is to know of them.
func writePlan(path string, file orchestrator.PlanFile) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".orch-plan-*") // as 0600
	if err != nil {
		return fmt.Errorf("write the plan to %q: %w", path, err)
	}
	defer os.Remove(temporary.Name()) // of no effect once it is renamed
	_, err = temporary.Write(file.Text())
	if err == nil {
		err = temporary.Sync()
	}
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the plan to %q: %w", path, err)
	}
	return nil
}

// fromPlan does what a plan says, if everything is still as it was when that was made.
func (o *transitionOptions) fromPlan(cmd *cobra.Command) error {
	for _, name := range []string{"via", "supersede", "queue", "step", "override"} {
		if cmd.Flags().Changed(name) {
			return usagef("move by the plan %q: --%s was said when it was made, or not at all; plan again with it", o.plan, name)
		}
	}
	text, err := readPlain(o.plan)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	file, err := orchestrator.ReadPlanFile(text)
	if err != nil {
		return fmt.Errorf("read the plan %q: %w", o.plan, err)
	}
	o.step, o.overrides = file.Step, file.Overrides
	if err := o.checkStep(); err != nil {
		return err
	}
	c, v, err := o.begin(cmd, file.Cluster)
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskTransition)
	request.Target, request.Via, request.Supersede, request.Step = file.Target, file.Via, file.Supersede, file.Step
	v.consider(cmd.Context(), c, request)
	unsigned := request
	unsigned.Unsigned = true
	now, err := v.planFile(cmd.Context(), c, unsigned, v.preview(unsigned), orchestrator.Foretold{})
	if err != nil {
		return err
	}
	if changed := file.Differences(now); len(changed) > 0 {
		return endingf(exitRefused, "transition %s: refused: since the plan was made at %s, %s; plan again: %s", v.Cluster, clock(file.At, v.now), some(changed, 30), replan(file, o.plan))
	}
	request.Plan = file.Planned(text)
	return o.planned(cmd, c, v, request, o.step)
}

// replan spells the command that makes a plan once more.
func replan(file orchestrator.PlanFile, path string) string {
	words := []string{"orch plan", file.Cluster, file.Target.String()}
	for _, via := range file.Via {
		words = append(words, fmt.Sprintf("--via %q", via))
	}
	for _, o := range file.Overrides {
		words = append(words, "--override "+o)
	}
	if file.Supersede {
		words = append(words, "--supersede")
	}
	if file.Step {
		words = append(words, "--step")
	}
	return strings.Join(append(words, "--out "+path), " ")
}

// some writes sentences, and of many only some.
func some(texts []string, most int) string {
	if len(texts) > most {
		texts = append(slices.Clone(texts[:most]), fmt.Sprintf("and %d more", len(texts)-most))
	}
	return strings.Join(texts, "; ")
}
