package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// slowly is what stands before an agent whose state file takes a moment to be replaced.
func (f *field) slowly() []string {
	return []string{tool(f.t, "strace"), "-D", "-f", "--seccomp-bpf", "-qq", "-o", os.DevNull, "-e", "trace=renameat", "-e", "inject=renameat:delay_enter=400000"}
}

// dieAt waits until an agent writes its state file for the nth time, the new one lies beside the old and has
// not its name yet, and kills it.
func (f *field) dieAt(node string, nth int, p *process) {
	seen := map[string]bool{}
	for p.running() {
		found, _ := filepath.Glob(f.stateFile(node) + ".*")
		for _, path := range found {
			seen[path] = true
		}
		if len(found) > 0 && len(seen) == nth {
			p.kill()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// An agent is killed at each of the times that it writes down what it knows, from its first start to the end of
// a move. What is there is whole, or nothing at the first; what was being written is ignored, and gone with
// the next start; each node arrives, and has run once for every generation.
func TestAgentIsKilledAtEverySave(t *testing.T) {
	const born, saves = 5, 8 // its name, its session, what it is told, its run, and how that ended; the last three of each move
	f := newField(t)
	f.web(`batches = ["100%"]`)
	slow := *f
	slow.seat = f.slowly()
	var watching sync.WaitGroup
	t.Cleanup(watching.Wait) // what is started after it is ended before it
	for nth := 1; nth <= saves; nth++ {
		node := fmt.Sprintf("web-%02d", nth)
		p := slow.agent(node)
		watching.Go(func() { f.dieAt(node, nth, p) })
	}
	again := func(from, to int) {
		t.Helper()
		for nth := from; nth <= to; nth++ {
			node := fmt.Sprintf("web-%02d", nth)
			f.wait(f.agents[node], patience)
			f.whole(node, nth)
			f.agent(node)
		}
	}
	again(1, born)
	eventually(t, "all to settle", patience, func() bool { return len(f.phase("settled")) == saves })
	move := f.orchStart("transition", "web", "waiting")
	again(born+1, saves)
	if code := f.wait(move, patience); code != 0 {
		t.Errorf("exit code %d:\n%s", code, move.text())
	}
	for nth := 1; nth <= saves; nth++ {
		node := fmt.Sprintf("web-%02d", nth)
		eventually(t, node+" to be there", patience, func() bool { s := f.node(node); return s.Phase == "settled" && s.State.Name == "waiting" })
	}
	f.once(f.runs())
	if n := len(f.to("waiting")); n != saves {
		t.Errorf("%d runs, want %d", n, saves)
	}
	f.nothingLeft()
}

// whole checks what an agent that was killed left: nothing if it never had anything, else all of what it
// knew; and what it was writing.
func (f *field) whole(node string, nth int) {
	f.t.Helper()
	if left, _ := filepath.Glob(f.stateFile(node) + ".*"); len(left) != 1 {
		f.t.Errorf("%s was not killed while it saved: beside its file are %q", node, left)
	}
	text, err := os.ReadFile(f.stateFile(node))
	if nth == 1 && errors.Is(err, fs.ErrNotExist) {
		return
	}
	must(f.t, err)
	var memory struct{ Instance string }
	if json.Unmarshal(text, &memory) != nil || memory.Instance == "" {
		f.t.Errorf("%s, killed at its save %d, left %q", node, nth, text)
	}
}
