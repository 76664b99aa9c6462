package convergeagent

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"orch/states"
	"orch/states/skiptest"
)

// A disk that is full is told, in the same words each time; nothing runs, and when there is room again it goes on.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		skiptest.Denied(t, "only root can mount a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		skiptest.Denied(t, "no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	r := rigIn(t, dir, "exit 0")
	r.config.Action = shell(t.TempDir(), "exit 0")
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	for _, try := range []string{"in mid-life", "at its start"} {
		filler, err := os.Create(dir + "/filler")
		do(t, err)
		for err == nil {
			_, err = filler.Write(make([]byte, 4096))
		}
		do(t, filler.Close())
		if try == "at its start" {
			do(t, r.leave())
			r.start()
		} else {
			r.want(desired(2, "off"))
		}
		s := r.until("unable "+try, func(s states.Status) bool { return strings.Contains(s.Unable, "the disk is full") })
		if s.Phase != states.Refusing || s.Refused != "" {
			t.Errorf("it reports %s", text(s))
		}
		index := r.pair().Index
		quiet(t, "it is told once", func() bool { return r.pair().Index == index })
		do(t, os.Remove(dir+"/filler"))
		if s := r.settled("off"); s.Unable != "" {
			t.Errorf("it reports %s", text(s))
		}
	}
}
