package sense

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"orch/orchestrator"
	"orch/states"
)

const (
	defaultTimeout = time.Minute // of a program, where a record says none
	drainTime      = time.Second // how long output is read after the program has ended
)

// run asks a program, as monitoring plugins are asked: exit 0 is a yes, 1 and 2 are a no, and anything
// else is no answer.
func run(ctx context.Context, command []string, ask orchestrator.Ask, gate states.Gate) states.Reading {
	timeout := gate.Timeout.D()
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	output := &lastLine{}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Dir = environment(ask, gate), "/"
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = drainTime
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return unknown("its program could not be started: %v", err)
	}
	_ = cmd.Wait()     // how it ended is in its state
	_ = killGroup(cmd) // what it left behind is no daemon that somebody wanted
	if ctx.Err() != nil && cmd.ProcessState.ExitCode() < 0 {
		return unknown("no answer within %s", states.Duration(timeout))
	}
	return judge(cmd.ProcessState.ExitCode(), cmd.ProcessState.String(), output.String())
}

// judge says what the end of a program means; ending is how it is told in words.
func judge(code int, ending, said string) states.Reading {
	outcome := states.GateUnknown
	switch code {
	case 0:
		return states.Reading{Outcome: states.GatePass, Text: said}
	case 1, 2:
		outcome = states.GateFail
	case 3: // "unknown", in the words of monitoring plugins: it says why
	default:
		said = strings.TrimSuffix(ending+": "+said, ": ")
	}
	if said == "" {
		said = ending
	}
	return states.Reading{Outcome: outcome, Text: brief(said, maxText)}
}

// environment is scrubbed: what orch itself was started with, its token above all, is no business of
// a gate.
func environment(ask orchestrator.Ask, gate states.Gate) []string {
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"ORCH_CLUSTER=" + ask.Cluster, "ORCH_GATE=" + gate.Name,
		"ORCH_STATE=" + ask.State.Name, "ORCH_ARGUMENT=" + ask.State.Argument,
		"ORCH_TRANSITION=" + ask.Transition, "ORCH_BATCH=" + strconv.Itoa(ask.Batch),
	}
}
