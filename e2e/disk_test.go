package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"orch/states/skiptest"
)

// mounting tells whether this process can mount a file system, and why not.
func mounting() error {
	dir, err := os.MkdirTemp("", "orch-mount-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if out, err := exec.Command("mount", "-t", "tmpfs", "tmpfs", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount a small disk: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return exec.Command("umount", dir).Run()
}

// disk puts a node's state directory on a disk of its own, which is small. Where none can be mounted the test
// is skipped; in CI that is a failure, where root has all of its rights.
func (f *field) disk(node, size string) (dir string) {
	f.t.Helper()
	if err := mounting(); err != nil {
		skiptest.Denied(f.t, "%v", err)
	}
	dir = filepath.Dir(f.stateFile(node))
	must(f.t, os.MkdirAll(dir, 0o700))
	f.mount("-t", "tmpfs", "-o", "mode=0700,size="+size, "tmpfs", dir)
	f.t.Cleanup(func() {
		f.endRuns()
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			f.t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

func (f *field) mount(args ...string) {
	f.t.Helper()
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		f.t.Fatalf("mount %v: %v: %s", args, err, out)
	}
}

// fill leaves no room on the disk of a folder, and shows it. What is to be removed is given back.
func (f *field) fill(dir string) (filler string) {
	f.t.Helper()
	filler = filepath.Join(dir, "filler")
	_ = exec.Command("dd", "if=/dev/zero", "of="+filler, "bs=4k").Run() // fails when it is full
	f.unwritable(dir, syscall.ENOSPC)
	return filler
}

// unwritable shows that nothing can be written below a folder.
func (f *field) unwritable(dir string, want error) {
	f.t.Helper()
	path := filepath.Join(dir, "try")
	err := os.WriteFile(path, make([]byte, 8<<10), 0o600)
	_ = os.Remove(path)
	if !errors.Is(err, want) {
		f.t.Fatalf("writing in %s ends with %v, want %v", dir, err, want)
	}
}

// unsynced has no file of a process reach its disk until mend is called: a tracer has the kernel's answer to
// fsync be an input/output error.
func (f *field) unsynced(p *process) (mend func()) {
	f.t.Helper()
	tracer := f.spawn(nil, tool(f.t, "strace"), "-f", "-p", fmt.Sprint(p.cmd.Process.Pid), "-o", filepath.Join(f.dir, "eio"), "-e", "trace=fsync", "-e", "inject=fsync:error=EIO")
	eventually(f.t, "the tracer to be there", patience, func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		return strings.Contains(string(text), fmt.Sprintf("TracerPid:\t%d\n", tracer.cmd.Process.Pid))
	})
	return func() {
		tracer.signal(syscall.SIGINT) // it lets go of what it traces
		f.wait(tracer, patience)
		text, _ := os.ReadFile(filepath.Join(f.dir, "eio"))
		f.says(string(text), "EIO", "INJECTED")
	}
}

// The disks of three nodes fail under their agents: one is full, one becomes read-only, one answers with
// input/output errors. Nothing runs there that is not written down first; each says why, also when it is
// started anew; a move goes through without them; and they come along by themselves when the disks are mended.
func TestDisksThatFail(t *testing.T) {
	f := newField(t)
	full, fixed := f.disk("web-01", "256k"), f.disk("web-02", "1m")
	f.web("batches = [1]")
	f.nodes(4)
	filler := f.fill(full)
	f.mount("-o", "remount,ro", fixed)
	f.unwritable(fixed, syscall.EROFS)
	mend := f.unsynced(f.agents["web-03"])
	says := map[string]string{"web-01": "the disk is full; make room", "web-02": "the file system is read-only", "web-03": "input/output error"}
	still := func(state string) {
		t.Helper()
		f.ok("transition", "web", state)
		for node, why := range says {
			eventually(t, node+" to say why", patience, func() bool { return strings.Contains(f.node(node).Unable, why) })
			f.says(f.ok("why", "web", node), why)
			if s := f.node(node); s.Phase != "refusing" || s.State.Name != "off" {
				t.Errorf("%s is %+v", node, s)
			}
		}
		if runs := f.to(state); len(runs) != 1 || runs[0].node != "web-04" {
			t.Errorf("it ran %+v", runs)
		}
	}
	still("waiting")
	for _, node := range []string{"web-01", "web-02"} {
		f.agents[node].kill()
		next := f.agent(node)
		eventually(t, node+" to be told so at its start", patience, func() bool { return strings.Contains(next.text(), says[node]) })
	}
	f.alive(4)
	still("converged")
	must(t, os.Remove(filler))
	f.mount("-o", "remount,rw", fixed)
	mend()
	eventually(t, "all to come along", patience, func() bool { return len(f.phase("settled")) == 4 })
	for node := range says {
		if s := f.node(node); s.State.Name != "converged" || s.Unable != "" {
			t.Errorf("%s is %+v", node, s)
		}
	}
	f.once(f.runs())
	if runs := f.to("waiting"); len(runs) != 1 {
		t.Errorf("somebody went through a state that is over: %+v", runs)
	}
	f.nothingLeft()
}

// A converge fills the disk of the state directory. It ends as it ends, and its agent is started anew
// meanwhile; where it is, it tells once there is room, by that run or by an order given since. Nothing runs twice.
func TestAConvergeFillsTheDisk(t *testing.T) {
	f := newField(t)
	disk := f.disk("web-01", "256k")
	f.web("batches = [1]")
	f.nodes(2)
	full := "dd if=/dev/zero bs=4k oflag=append conv=notrunc of=" + disk + "/filler; "
	f.ctl("web-01", full+"sleep 1; "+full+"echo the disk is full; touch $dir/ended") // twice: something may just have been replaced
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "the end of the run", patience, func() bool { _, err := os.Stat(f.dir + "/ended"); return err == nil })
	f.unwritable(disk, syscall.ENOSPC)
	run := f.node("web-01").Run.ID
	f.agents["web-01"].kill()
	f.agent("web-01")
	f.alive(2)
	eventually(t, "it to say so", patience, func() bool { return strings.Contains(f.node("web-01").Reason, "disk is full") })
	f.says(f.node("web-01").Reason, "keeps what it is")
	eventually(t, "the leader to take note", patience, func() bool { return strings.Contains(move.text(), "it is begun again") })
	if !move.running() || len(f.to("waiting")) != 1 {
		t.Errorf("it went on: %+v\n%s", f.to("waiting"), move.text())
	}
	must(t, os.Remove(filepath.Join(disk, "filler")))
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if s := f.node("web-01"); s.State.Name != "waiting" || s.Run.Outcome != "ok" { // of its run, or of an order of the batch that was begun again
		t.Errorf("it ran %s and tells %+v", run, s)
	}
	f.once(f.to("waiting"))
	f.atMost(1, f.to("waiting"))
	f.nothingLeft()
}
