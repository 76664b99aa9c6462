package convergeagent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"orch/convergeagent/runner"
	"orch/states"
)

// Driver knows one tool of configuration management: its command line, how the state to be at
// reaches the recipe, and what the way it ends says. Puppet, Chef and Ansible are the ones there are.
//
// What lies in Consul reaches a tool as values in a file only, never as an option, a path or code.
type Driver interface {
	// plan writes what the run is to know into dir, which is this run's own, and says how it runs.
	plan(task Task, dir string) (plan, error)
}

// plan is one run of a tool.
type plan struct {
	tool    string // whose output and exit codes these are, as Readings has it
	argv    []string
	env     []string // besides what every run has
	blocked string   // who keeps the tool from running now; empty: nobody does
}

// Readings gives for the name of a tool what its output and exit codes mean. It takes no configuration,
// and so a run is read by its runner, whatever the agent was told meanwhile.
func Readings(tool string) runner.Reading {
	switch tool {
	case puppetTool:
		return puppetReading()
	case chefTool:
		return chefReading()
	case ansibleTool:
		return ansibleReading()
	}
	return runner.Reading{}
}

// plan says how a run goes: as its state's driver has it, or by a command alone.
func (e *Exec) plan(task Task, dir string) (plan, error) {
	var driver Driver
	if e.Driver != nil {
		driver = e.Driver(task.Run.State)
	}
	if driver == nil {
		argv, err := e.Command(task.Run.State)
		return plan{argv: argv}, err
	}
	tool := filepath.Join(dir, "tool")
	if err := os.Mkdir(tool, 0o700); err != nil {
		return plan{}, err
	}
	return driver.plan(task, tool)
}

// The values of Result.Change.
const (
	Changed   = "changed"
	Unchanged = "unchanged"
)

// meaning is what an exit code of a tool says.
type meaning struct {
	ok     bool
	change string
	says   string // why it failed; or, where it is ok, what is left to do
}

// read gives a result the meaning of its exit code. A run that the agent ended, or a signal, keeps
// its own: the tool had no say in it.
func read(codes map[int]meaning, result Result) Result {
	if !ownEnd(result) {
		return result
	}
	m, known := codes[result.Exit]
	switch {
	case !known:
		return result
	case m.ok:
		result.Outcome, result.Change, result.Error = states.Succeeded, m.change, m.says
	default:
		result.Outcome, result.Error = states.ExitedBadly, fmt.Sprintf("exit %d: %s", result.Exit, m.says)
	}
	return result
}

// ownEnd tells whether a program ended by itself, so that its exit code is its own word.
func ownEnd(result Result) bool {
	return result.Outcome == states.Succeeded || result.Outcome == states.ExitedBadly && result.Exit >= 0 && result.Error == ""
}

// inTheWay is a try that came to nothing because somebody else stood in its way.
func inTheWay(result Result, why string) Result {
	result.Outcome, result.Change, result.Error = states.ExitedBadly, "", "blocked: "+why
	return result
}

// facts is what every recipe is told, under the name orch. All of it is always there, so that a tool
// that merges it into what it knew leaves nothing of the last run behind.
type facts struct {
	Cluster    string            `json:"cluster"`
	Node       string            `json:"node"`
	State      string            `json:"state"`
	Argument   string            `json:"argument"`
	From       string            `json:"from"`
	Generation uint64            `json:"generation"`
	Run        string            `json:"run"`
	Attributes map[string]string `json:"attributes"`
}

func factsOf(task Task) facts {
	run := task.Run
	f := facts{task.Cluster, task.Node, run.State.Name, run.State.Argument, from(task.From), run.Generation, run.ID, run.State.Attributes}
	if f.Attributes == nil {
		f.Attributes = map[string]string{}
	}
	return f
}

// writeFacts writes {"orch": …} where only the node's owner reads it.
func writeFacts(dir, name string, orch any) (string, error) {
	text, err := json.MarshalIndent(map[string]any{"orch": orch}, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, append(text, '\n'), 0o600)
}

// longestLock is how long a tool waits at most for another run of it to end.
const longestLock = 5 * time.Minute

// lockWait is how many seconds a tool may wait for its lock: half of the run's time, so that what
// it waited for does not end as a timeout that says nothing of a lock.
func lockWait(timeout states.Duration) string {
	wait := min(timeout.D()/2, longestLock)
	return strconv.Itoa(max(1, int(wait.Seconds())))
}

// program is the told one, or the first place of its packages where it is.
func program(told string, places ...string) string {
	if told != "" {
		return told
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place
		}
	}
	return places[len(places)-1]
}
