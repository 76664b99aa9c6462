package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// field is what one test plays on: a Consul, agents, and a folder in which every converge leaves
// its traces.
type field struct {
	t      *testing.T
	consul *server
	dir    string
	agents map[string]*process
	extra  []string // flags for every agent
	env    []string // of every process
	seat   []string // what stands before every command: where it is to run
	edited string   // why the journals need not replay in the end
}

// ttl is how long sessions live in these tests; an expired one is gone after twice that.
const ttl = 2 * time.Second

// patience is how long a test waits for what must come, on a machine that has much else to do. Where a
// test has a shorter limit, that is what it asserts.
const patience = 90 * time.Second

func newField(t *testing.T, options ...string) *field {
	t.Helper()
	t.Parallel()
	return aloneField(t, options...)
}

// aloneField is for a test that takes all of the machine: no other goes on beside it.
func aloneField(t *testing.T, options ...string) *field {
	t.Helper()
	f := emptyField(t)
	f.consul = startConsul(t, options...)
	t.Cleanup(f.replays)
	return f
}

// emptyField has no Consul yet.
func emptyField(t *testing.T) *field {
	t.Helper()
	f := &field{t: t, dir: t.TempDir(), agents: map[string]*process{}}
	for _, sub := range []string{"ctl", "lock", "agents", "log"} {
		must(t, os.MkdirAll(filepath.Join(f.dir, sub), 0o755))
	}
	must(t, os.WriteFile(f.script(), []byte(f.converge()), 0o755))
	t.Cleanup(f.endRuns)
	return f
}

// replays asks fsck at the end of every test: whatever happened, and whoever died on the way, the
// journals tell all of it. A test that edits keys says so, by edits.
func (f *field) replays() {
	if f.t.Failed() || f.t.Skipped() || f.edited != "" {
		f.t.Logf("fsck is not asked: %s", cmp.Or(f.edited, "the test is over already"))
		return
	}
	if code, _ := f.consul.http("GET", "/v1/status/leader", ""); code != 200 {
		f.t.Log("fsck is not asked: the test ended its Consul")
		return
	}
	if text, code := f.orch("fsck"); code != 0 || strings.Contains(text, "unchecked") {
		f.t.Errorf("the journal does not replay; fsck ends with %d:\n%s", code, text)
	}
}

// edits says that a test changes what leaders wrote, and does not put it back.
func (f *field) edits(why string) { f.edited = why }

func (f *field) script() string { return filepath.Join(f.dir, "converge.sh") }

// converge is the script of every node. What a node is to do differently stands in ctl/<node>, which
// is sourced; a test writes and removes that file.
func (f *field) converge() string {
	return `#!/bin/sh
dir=` + f.dir + `
say() { echo "$(date +%s%N) $1 $ORCH_NODE $ORCH_RUN $ORCH_GENERATION $ORCH_STATE $ORCH_ARGUMENT" >> $dir/runs; }
exec 9> $dir/lock/$ORCH_NODE
if ! flock -n 9; then say twice; exit 99; fi
say start
trap 'say stop' EXIT
trap 'exit 143' TERM
[ -f $dir/ctl/all ] && . $dir/ctl/all
[ -f $dir/ctl/$ORCH_NODE ] && . $dir/ctl/$ORCH_NODE
sleep ${pause:-0.2}
echo "$ORCH_NODE is $ORCH_STATE $ORCH_ARGUMENT"
`
}

// ctl tells a node's converges what to do: shell, sourced by them.
func (f *field) ctl(node, shell string) {
	f.t.Helper()
	path := filepath.Join(f.dir, "ctl", node)
	if shell == "" {
		must(f.t, os.Remove(path))
		return
	}
	must(f.t, os.WriteFile(path+".new", []byte(shell+"\n"), 0o644))
	must(f.t, os.Rename(path+".new", path))
}

// stays has converges of a node, or of all, go on until the function that it gives is called; when is a
// test of the shell, for some runs only.
func (f *field) stays(node, when string) (goOn func()) {
	f.t.Helper()
	f.ctl(node, "while "+cmp.Or(when, "true")+" && ! [ -f $dir/go ]; do sleep 0.1; done")
	return func() { f.file("go", "") }
}

// moving waits until the record of the last move says something.
func (f *field) moving(what string) {
	f.t.Helper()
	eventually(f.t, "the move to be "+what, patience, func() bool { return strings.Contains(f.consul.get("clusters/web/transition"), what) })
}

// process is a binary that runs.
type process struct {
	cmd  *exec.Cmd
	out  *lockedBuffer
	done chan struct{}
	code int
}

func (f *field) spawn(env []string, bin string, args ...string) *process {
	f.t.Helper()
	command := append(append(slices.Clone(f.seat), bin), args...)
	p := &process{cmd: exec.Command(command[0], command[1:]...), out: &lockedBuffer{buffer: &bytes.Buffer{}}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "CONSUL_HTTP_ADDR="+f.consul.addr, "NO_COLOR=1", "HTTP_PROXY=", "http_proxy=")
	p.cmd.Env = append(append(p.cmd.Env, f.env...), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	must(f.t, p.cmd.Start())
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
	}()
	f.t.Cleanup(func() { p.signal(syscall.SIGKILL); <-p.done })
	return p
}

// text is all that the process said so far.
func (p *process) text() string { return p.out.String() }

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill is what a machine that dies does to a process.
func (p *process) kill() { p.signal(syscall.SIGKILL); <-p.done }

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// wait returns the exit code, or fails the test after a while.
func (f *field) wait(p *process, within time.Duration) int {
	f.t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		f.t.Fatalf("%v does not end in %s; it says:\n%s", p.cmd.Args, within, p.text())
	}
	return p.code
}

// orch runs a command to its end and gives its output and exit code.
func (f *field) orch(args ...string) (string, int) {
	f.t.Helper()
	p := f.orchStart(args...)
	code := f.wait(p, patience)
	return p.text(), code
}

func (f *field) orchStart(args ...string) *process {
	f.t.Helper()
	env := []string{"ORCH_OPERATOR=ada@bastion"}
	if f.consul.token != "" {
		env = append(env, "CONSUL_HTTP_TOKEN="+f.consul.token)
	}
	return f.spawn(env, orchBin, append(args, "--lease-ttl", ttl.String())...)
}

// ok runs a command that must end with 0.
func (f *field) ok(args ...string) string { f.t.Helper(); return f.exits(0, args...) }

// exits runs a command that must end with a code, and gives what it said.
func (f *field) exits(code int, args ...string) string {
	f.t.Helper()
	text, got := f.orch(args...)
	if got != code {
		f.t.Fatalf("orch %s: want exit code %d, got %d:\n%s\n%s", strings.Join(args, " "), code, got, text, f.why(args))
	}
	if why := f.why(args); (code == 3 || code == 4) && strings.Contains(why, "Nothing holds it") {
		f.t.Errorf("orch %s stands still, and why names no cause:\n%s\n%s", strings.Join(args, " "), text, why)
	}
	return text
}

func (f *field) why(args []string) string {
	if len(args) < 2 || !slices.Contains([]string{"transition", "resume", "pause", "abort", "retry", "rollback", "approve", "reconverge"}, args[0]) {
		return ""
	}
	text, _ := f.orch("why", args[1])
	return "orch why " + args[1] + ":\n" + text
}

// agent starts a node's agent; started again, it has the same state directory.
func (f *field) agent(node string, flags ...string) *process {
	f.t.Helper()
	args := []string{"--node", node, "--state-dir", filepath.Join(f.dir, "agents", node), "--session-ttl", ttl.String()}
	if !slices.Contains(flags, "--lock-dir") { // every agent of a test plays on a host of its own
		args = append(args, "--lock-dir", filepath.Join(f.dir, "agents", node, "host"))
	}
	if !slices.Contains(flags, "--cluster") {
		args = append(args, "--cluster", "web")
	}
	args = append(append(args, f.extra...), flags...)
	args = append(args, "--exec", f.script())
	var env []string
	if f.consul.token != "" && !slices.Contains(flags, "--token-file") {
		env = append(env, "CONSUL_HTTP_TOKEN="+f.consul.token)
	}
	p := f.spawn(env, agentBin, args...)
	f.agents[node] = p
	return p
}

// nodes starts n agents, web-01 and so on, and waits until all of them are seen; in a cluster that
// is born already, until they are where it is.
func (f *field) nodes(n int) {
	f.t.Helper()
	for i := range n {
		f.agent(fmt.Sprintf("web-%02d", i+1))
	}
	f.alive(n)
	if f.consul.get("clusters/web/desired") == "" {
		return
	}
	eventually(f.t, "all nodes to be settled", patience, func() bool {
		return len(f.phase("settled")) == n
	})
}

// phase lists the nodes that say that they are in a phase.
func (f *field) phase(phase string) []string {
	_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/status/?recurse&consistent", "")
	var pairs []struct {
		Key   string
		Value []byte
	}
	_ = json.Unmarshal([]byte(text), &pairs) // what is not there is in no phase
	var nodes []string
	for _, pair := range pairs {
		var s nodeStatus
		node := path.Base(pair.Key)
		if f.agents[node] != nil && json.Unmarshal(pair.Value, &s) == nil && s.Phase == phase {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// gone waits until a node that was killed is seen to be gone: its session must end.
func (f *field) gone(left int) {
	f.t.Helper()
	f.alive(left)
}

func (f *field) alive(n int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d agents to be alive", n), patience, func() bool {
		_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/status/?recurse", "")
		return strings.Count(text, `"Session":`) == n
	})
}

// web applies a definition of the cluster web, with a policy for the moves that serve.
func (f *field) web(policy string, flags ...string) {
	f.t.Helper()
	f.ok(append([]string{"apply", f.file("web.hcl", webHCL(policy)), "--yes"}, flags...)...)
}

func (f *field) file(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	must(f.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// webHCL gives runs much time: a test in which one is to take too long says how long that is.
func webHCL(policy string) string {
	return `
policy {
  converge_timeout = "60s"
  retry_delay      = "200ms"
}
cluster "web" {
  initial = "off"
  state "off" { serving = false }
  state "waiting" { serving = false }
  state "converged" {}
  state "version" {
    argument { pattern = "[0-9]+" }
  }
  policy {
    ` + policy + `
  }
  transition "off" {
    from    = ["*"]
    batches = ["100%"]
  }
  transition "waiting" { from = ["off"] }
  transition "converged" { from = ["waiting"] }
  transition "version" { from = ["converged", "version"] }
}
`
}

// view is what `orch status web -o json` promises.
type view struct {
	Cluster    string
	State      json.RawMessage
	Generation uint64
	Settled    bool
	Status     string
	Reason     string
	Nodes      []struct {
		Node       string
		State      json.RawMessage
		Generation uint64
		Phase      string
		Alive      bool
		Reason     string
	}
}

func (f *field) status() view {
	f.t.Helper()
	var v view
	text := f.ok("status", "web", "-o", "json")
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		f.t.Fatalf("orch status -o json: %v:\n%s", err, text)
	}
	return v
}

// run is one line pair of the converges' own log.
type runLine struct {
	node, id, state string
	generation      int
	start, stop     int64 // nanoseconds; stop 0: it never said so
}

// runs reads the converges' log. A converge that found itself running twice fails the test.
func (f *field) runs() []runLine {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "runs"))
	if os.IsNotExist(err) {
		return nil
	}
	must(f.t, err)
	var runs []runLine
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		at, _ := strconv.ParseInt(fields[0], 10, 64)
		generation, _ := strconv.Atoi(fields[4])
		switch fields[1] {
		case "twice":
			f.t.Fatalf("two runs at once on one node: %s\n%s", line, text)
		case "start":
			runs = append(runs, runLine{node: fields[2], id: fields[3], generation: generation, state: strings.Join(fields[5:], " "), start: at})
		case "stop":
			for i := len(runs) - 1; i >= 0; i-- {
				if runs[i].node == fields[2] && runs[i].id == fields[3] && runs[i].stop == 0 {
					runs[i].stop = at
					break
				}
			}
		}
	}
	return runs
}

// to lists the runs towards one state.
func (f *field) to(state string) []runLine {
	f.t.Helper()
	return slices.DeleteFunc(f.runs(), func(r runLine) bool { return r.state != state })
}

// atMost fails when more runs than that overlapped at any instant.
func (f *field) atMost(limit int, runs []runLine) {
	f.t.Helper()
	type edge struct {
		at    int64
		delta int
		node  string
	}
	var edges []edge
	for _, r := range runs {
		stop := r.stop
		if stop == 0 {
			stop = time.Now().UnixNano()
		}
		edges = append(edges, edge{r.start, 1, r.node}, edge{stop, -1, r.node})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
	going := 0
	for _, e := range edges {
		if going += e.delta; going > limit {
			f.t.Fatalf("%d runs at once, %d allowed: %+v", going, limit, runs)
		}
	}
}

// once fails when a node ran more than once for one generation.
func (f *field) once(runs []runLine) {
	f.t.Helper()
	seen := map[string]bool{}
	for _, r := range runs {
		key := fmt.Sprint(r.node, " ", r.generation)
		if seen[key] {
			f.t.Fatalf("node %s ran twice for generation %d: %+v", r.node, r.generation, runs)
		}
		seen[key] = true
	}
}
