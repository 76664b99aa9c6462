package states_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The house: imports run downwards only. Each row says what a room must never reach, directly or
// through others, and why.
var rooms = []struct{ room, never, why string }{
	{"orch/states", "orch/", "the vocabulary knows nobody"},
	{"orch/states", "github.com/", "the vocabulary needs the standard library only"},
	{"orch/states/store", "github.com/hashicorp/consul/api", "only consulkv speaks Consul's API"},
	{"orch/states/store", "github.com/hashicorp/hcl", "only hclfile knows HCL"},
	{"orch/states/memkv", "github.com/hashicorp/consul/api", "the twin is not the real thing"},
	{"orch/states/hclfile", "github.com/hashicorp/consul/api", "the language does not know where it lies"},
	{"orch/states/hclfile", "orch/orchestrator", "the language is below the engine"},
	{"orch/states/consulkv", "github.com/hashicorp/hcl", "only hclfile knows HCL"},
	{"orch/states/consulkv", "orch/orchestrator", "stores are below the engine"},
	{"orch/states/consulkv", "orch/convergeagent", "stores are below the agent"},
	{"orch/orchestrator", "github.com/hashicorp/consul/api", "the engine decides on values"},
	{"orch/orchestrator", "github.com/hashicorp/hcl", "the engine decides on values"},
	{"orch/orchestrator", "github.com/spf13/cobra", "the engine is driven, it does not talk to people"},
	{"orch/orchestrator", "orch/convergeagent", "an agent can be older or newer than the engine"},
	{"orch/orchestrator", "orch/states/store", "the engine's store is an interface of its own"},
	{"orch/orchestrator", "orch/orchestrator/sense", "the engine is handed its senses"},
	{"orch/orchestrator/sense", "github.com/hashicorp/consul/api", "what it needs of Consul is an interface of its own"},
	{"orch/orchestrator/sense", "github.com/hashicorp/hcl", "which programs there are it is told in values"},
	{"orch/orchestrator/sense", "github.com/spf13/cobra", "it does not talk to people"},
	{"orch/orchestrator/sense", "orch/states/store", "what it needs of the store is an interface of its own"},
	{"orch/orchestrator/sense", "orch/convergeagent", "what a leader asks is no converge"},
	{"orch/convergeagent", "orch/orchestrator", "an agent can be older or newer than the engine"},
	{"orch/convergeagent", "github.com/hashicorp/consul/api", "the agent's inbox is an interface of its own"},
	{"orch/convergeagent", "github.com/hashicorp/hcl", "the agent's room knows no language"},
	{"orch/convergeagent", "github.com/spf13/cobra", "the command is in cmd/convergeagent"},
	{"orch/convergeagent/runner", "orch/convergeagent", "a run knows nothing of the agent that started it"},
	{"orch/convergeagent/runner", "orch/states/", "a run knows neither Consul nor HCL"},
	{"orch/convergeagent/runner", "github.com/", "a run is started for every try, as root, and does one thing"},
	{"orch/cmd/convergeagent", "orch/orchestrator", "an agent never leads"},
	{"orch/cmd/orch", "orch/convergeagent", "the command line never runs converges"},
	{"orch/cmd/manpage", "orch/", "it knows what commands say, and nothing of what they do"},
}

func TestImportsRunDownwards(t *testing.T) {
	deps := map[string][]string{}
	for _, row := range rooms {
		if _, known := deps[row.room]; !known {
			deps[row.room] = dependencies(t, row.room)
		}
		for _, dep := range deps[row.room] {
			if strings.HasPrefix(dep, row.never) && dep != row.room {
				t.Errorf("%s reaches %s: %s", row.room, dep, row.why)
			}
		}
	}
}

// dependencies lists what a room is built from. A room that is gone is a mistake too: its rows
// would hold for nothing.
func dependencies(t *testing.T, room string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", room).CombinedOutput()
	if err != nil {
		t.Fatalf("list what %s imports: %v: %s", room, err, out)
	}
	return strings.Fields(string(out))
}

// Clocks and networks have no place where decisions are made.
func TestDecisionsKnowNoClock(t *testing.T) {
	out, err := exec.Command("grep", "-nE", `time\.(Now|Since|Until|Sleep|After|NewTimer)\(|"net"|"os"|"net/http"`,
		"-r", "--include=*.go", "--exclude=*_test.go", "--exclude-dir=hclfile", "--exclude-dir=store", "--exclude-dir=consulkv",
		"--exclude-dir=memkv", "--exclude-dir=storetest", "--exclude-dir=sense", "--exclude-dir=skiptest", "--exclude=engine.go", "--exclude=drive.go", "--exclude=errand.go", ".", "../orchestrator").Output()
	if len(out) > 0 {
		t.Errorf("a pure room knows a clock, a file or the network:\n%s", out)
	}
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Errorf("grep: %v", err)
	}
}
