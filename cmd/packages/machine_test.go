//go:build linux

package packages

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states/skiptest"
)

// machine is a Debian with nothing but what it takes to boot, in a folder. Booted, it has a systemd of
// its own, and shares the network of this host.
type machine struct {
	t    *testing.T
	root string
	init *exec.Cmd // its process 1; nil: it is not booted
}

// newMachine makes one of Debian's packages, from where this host has its own.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, root: filepath.Join(t.TempDir(), "root")}
	args := []string{"--variant=apt", "--include=systemd-sysv,rpm", "--quiet", release(t), m.root}
	if sources := "/etc/apt/sources.list.d/debian.sources"; exists(sources) {
		args = append(args, sources)
	}
	if out, err := exec.Command(tool(t, "mmdebstrap"), args...).CombinedOutput(); err != nil {
		t.Fatalf("make a clean Debian: %v: %s", err, out)
	}
	return m
}

// release is the one of this host, where that is a Debian.
func release(t *testing.T) string {
	t.Helper()
	text, _ := os.ReadFile("/etc/os-release")
	found := regexp.MustCompile(`(?m)^VERSION_CODENAME=(.+)$`).FindSubmatch(text)
	if !strings.Contains(string(text), "\nID=debian\n") || found == nil {
		return "stable"
	}
	return string(found[1])
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// boot starts systemd and waits until it is up. It ends with the test, and so do all its processes.
func (m *machine) boot() {
	m.t.Helper()
	group := m.cgroup()
	script, err := filepath.Abs("testdata/boot.sh")
	must(m.t, err)
	folder, err := os.Open(group)
	must(m.t, err)
	defer folder.Close()
	m.init = exec.Command("unshare", "--cgroup", script, m.root)
	m.init.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		UseCgroupFD: true, CgroupFD: int(folder.Fd()), Pdeathsig: syscall.SIGKILL,
	}
	log, err := os.Create(filepath.Join(m.t.TempDir(), "boot.log"))
	must(m.t, err)
	defer log.Close()
	m.init.Stdout, m.init.Stderr = log, log
	must(m.t, m.init.Start())
	m.t.Cleanup(func() {
		_ = m.init.Process.Kill() // the kernel ends all others of its namespace
		_ = m.init.Wait()
	})
	eventually(m.t, "the machine to be up; "+log.Name(), func() bool {
		out, _ := m.try("systemctl", "is-system-running")
		return out == "running" || out == "degraded"
	})
	if out := m.run("systemctl", "list-units", "--failed", "--no-legend", "--plain"); out != "" {
		m.t.Logf("units of the clean machine that fail in a namespace: %s", out)
	}
}

// cgroup makes one for a machine. It goes when its last process is gone.
func (m *machine) cgroup() string {
	m.t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(m.t, err)
	found := regexp.MustCompile(`(?m)^\S+ (\S+) cgroup2 rw`).FindSubmatch(mounts)
	if found == nil {
		skiptest.Lacks(m.t, "no cgroup2 is mounted here for a systemd of a test's own")
	}
	group := filepath.Join(string(found[1]), fmt.Sprintf("orch-packages-%d", os.Getpid()))
	must(m.t, os.Mkdir(group, 0o755))
	m.t.Cleanup(func() {
		eventually(m.t, "the machine's cgroups to be empty", func() bool {
			_ = exec.Command("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
			return !exists(group)
		})
	})
	return group
}

// try runs a command on the machine, and gives what it printed.
func (m *machine) try(args ...string) (string, error) {
	out, err := m.command(args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run is try for what cannot fail.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// command is in the files of the machine only, until it is booted.
func (m *machine) command(args ...string) *exec.Cmd {
	into := []string{"chroot", m.root}
	if m.init != nil {
		into = []string{"nsenter", "--target", fmt.Sprint(m.init.Process.Pid), "--mount", "--pid", "--uts", "--ipc"}
	}
	cmd := exec.Command(into[0], append(into[1:], args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=", "LC_ALL=C"}
	cmd.Dir = "/"
	return cmd
}

// write makes a file of the machine.
func (m *machine) write(path, text string, mode os.FileMode) {
	m.t.Helper()
	must(m.t, os.WriteFile(filepath.Join(m.root, path), []byte(text), mode))
}

// text reads a file of the machine; "" where there is none.
func (m *machine) text(path string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	return string(text)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that happens in other processes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
