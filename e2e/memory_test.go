package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// scarce makes a cgroup in which there is little memory; "": none can be made here.
func (f *field) scarce(bytes string) (dir string) {
	f.t.Helper()
	for root, limit := range map[string]string{"/sys/fs/cgroup": "memory.max", "/sys/fs/cgroup/memory": "memory.limit_in_bytes"} {
		dir := filepath.Join(root, fmt.Sprintf("orch-e2e-%d-%s", os.Getpid(), filepath.Base(filepath.Dir(f.dir))))
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		f.t.Cleanup(func() {
			eventually(f.t, "the cgroup to be empty", patience, func() bool { return os.Remove(dir) == nil })
		})
		_ = os.WriteFile(filepath.Join(dir, "memory.swap.max"), []byte("0"), 0) // where there is swap
		if err := os.WriteFile(filepath.Join(dir, limit), []byte(bytes), 0); err == nil {
			return dir
		}
	}
	return ""
}

var byTheKernel = regexp.MustCompile(`oom_kill [1-9]`)

// outOfMemory tells whether the kernel has killed in a cgroup.
func outOfMemory(dir string) bool {
	events, _ := os.ReadFile(filepath.Join(dir, "memory.events"))
	control, _ := os.ReadFile(filepath.Join(dir, "memory.oom_control"))
	return byTheKernel.Match(events) || byTheKernel.Match(control)
}

// A converge takes more memory than there is, and the kernel byTheKernel it, once: the run has failed, by what is
// told, and is tried again.
func TestAConvergeRunsOutOfMemory(t *testing.T) {
	f := newField(t)
	f.web("batches = [1]\nretries = 1")
	f.nodes(2)
	scarce, hog := f.scarce("33554432"), "kill -9 $$"
	if scarce == "" {
		t.Log("no memory can be limited here: the converge byTheKernel itself instead")
	} else {
		hog = "echo $$ > " + scarce + "/cgroup.procs; exec tail /dev/zero"
	}
	f.ctl("web-01", "if ! [ -f $dir/second ]; then : > $dir/second; "+hog+"; fi")
	f.ok("transition", "web", "waiting")
	if scarce != "" && !outOfMemory(scarce) {
		t.Error("nothing was killed for want of memory")
	}
	s := f.node("web-01")
	log, err := os.ReadFile(s.Run.Log)
	must(t, err)
	f.says(string(log), "--- killed by SIGKILL after ")
	if s.Run.Attempt != 2 || s.Run.Outcome != "ok" {
		t.Errorf("it tells %+v", s.Run)
	}
	f.ctl("web-01", hog)
	f.exits(4, "transition", "web", "converged", "--yes")
	if s := f.node("web-01"); s.Phase != "failed" || s.Run.Outcome != "killed" || s.Run.Signal != "SIGKILL" || !s.Run.Terminal || s.Run.Attempt != 2 {
		t.Errorf("it tells %+v", s)
	}
	f.says(f.node("web-01").Reason, "killed by SIGKILL")
	if others := f.to("converged"); len(others) != 2 {
		t.Errorf("two tries of one node may have run: %+v", others)
	}
}
