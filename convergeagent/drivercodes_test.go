package convergeagent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/convergeagent/runner"
	"orch/states"
)

// How each tool ends, and what that means.
func TestHowToolsEnd(t *testing.T) {
	t.Parallel()
	const recap = "PLAY RECAP ****|localhost : ok=2    changed=0    unreachable=0    failed=0"
	for _, row := range []struct {
		driver Driver
		exit   int
		output string // lines
		ok     bool
		change string
		says   string
	}{
		{Puppet{}, 0, "", true, Unchanged, ""},
		{Puppet{}, 2, "", true, Changed, ""},
		{Puppet{}, 1, "Error: Evaluation Error", false, "", "exit 1: puppet made no run"},
		{Puppet{}, 4, "", false, "", "exit 4: resources failed"},
		{Puppet{}, 6, "", false, "", "exit 6: resources failed"},
		{Puppet{}, 77, "", false, "", ""},
		{Puppet{}, 1, "Notice: Skipping run of Puppet configuration client; administratively disabled (Reason: 'ada: disk swap');", false, "", `blocked: puppet was disabled by hand, saying "ada: disk swap"`},
		{Puppet{}, 1, "Notice: Run of Puppet configuration client already in progress; skipping  (/x exists)", false, "", "blocked: another run of puppet"},
		{Puppet{}, 1, "Notice: Exiting now because the maxwaitforlock timeout has been exceeded.", false, "", "blocked: another run of puppet"},
		{Puppet{}, 2, "Notice: Skipping run; administratively disabled (Reason: 'a text of a recipe')", true, Changed, ""},
		{Chef{}, 0, "Infra Phase complete, 3/7 resources updated in 04 seconds", true, Changed, ""},
		{Chef{}, 0, "Chef Infra Client finished, 0/7 resources updated in 04 seconds", true, Unchanged, ""},
		{Chef{}, 0, "Chef Client finished, 10/70 resources updated", true, Changed, ""},
		{Chef{}, 0, "", true, "", ""},
		{Chef{}, 35, "Infra Phase complete, 1/1 resources updated", true, Changed, "scheduled a reboot"},
		{Chef{}, 37, "", true, "", "needs a reboot"},
		{Chef{}, 1, "", false, "", "exit 1: chef failed"},
		{Chef{}, 3, "", false, "", "exit 3"},
		{Chef{}, 41, "", false, "", "could not reboot"},
		{Chef{}, 42, "", false, "", "audit"},
		{Chef{}, 43, "", false, "", "configuration"},
		{Chef{}, 213, "Infra Phase complete, 1/1 resources updated", false, "", "upgraded itself"},
		{Chef{}, 1, "[2026] FATAL: Chef::Exceptions::RunLockTimeout: Unable to acquire lock. Waited 30 seconds for 4711 to release.", false, "", "blocked: another run of chef, process 4711"},
		{Ansible{}, 0, recap, true, Unchanged, ""},
		{Ansible{}, 0, strings.Replace(recap, "changed=0", "changed=12", 1), true, Changed, ""},
		{Ansible{}, 0, recap + "|web-02 : ok=1    changed=1    unreachable=0", true, Changed, ""},
		{Ansible{}, 0, "PLAY [web] ***|skipping: no hosts matched|PLAY RECAP ****", false, "", "ansible did nothing"},
		{Ansible{}, 2, recap, false, "", "exit 2: tasks failed"},
		{Ansible{}, 4, "", false, "", "could not be read"},
		{Ansible{}, 0, "", true, "", ""},
	} {
		p := readingOf(t, row.driver)
		for line := range strings.SplitSeq(row.output, "|") {
			p.Heard(line)
		}
		result := Result{Outcome: states.Succeeded, Exit: row.exit}
		if row.exit != 0 {
			result.Outcome = states.ExitedBadly
		}
		got := p.Judge(result)
		if got.OK() != row.ok || got.Change != row.change || !strings.Contains(got.Error, row.says) || row.says == "" && got.Error != "" {
			t.Errorf("%T, exit %d, %q: %+v", row.driver, row.exit, row.output, got)
		}
	}
}

func readingOf(t *testing.T, driver Driver) runner.Reading {
	t.Helper()
	p, err := driver.plan(driverTask(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return Readings(p.tool)
}

// A tool that the agent or a signal ended had no say in it.
func TestEndsThatAreNotTheTools(t *testing.T) {
	t.Parallel()
	for _, driver := range []Driver{Puppet{}, Chef{}, Ansible{}} {
		for _, result := range []Result{
			{Outcome: states.TimedOut, Exit: 2}, {Outcome: states.Interrupted, Exit: 0, Error: "the agent was told to stop"},
			{Outcome: states.Killed, Exit: -1, Signal: "SIGKILL"}, {Outcome: states.ExitedBadly, Exit: 2, Error: "it could not be written down, and was ended"},
		} {
			p := readingOf(t, driver)
			if got := p.Judge(result); text(got) != text(result) || got.Change != "" {
				t.Errorf("%T makes %+v of %+v", driver, got, result)
			}
		}
	}
}

func TestDisabledByHand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if why := (Puppet{VarDir: dir}).disabled(); why != "" {
		t.Errorf("it is disabled: %s", why)
	}
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, "state", "agent_disabled.lock")
	for text, want := range map[string]string{`{"disabled_message":"ada: disk swap"}`: `saying "ada: disk swap"`, "": `saying ""`} {
		if err := os.WriteFile(lock, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if why := (Puppet{VarDir: dir}).disabled(); !strings.Contains(why, "by hand on 20") || !strings.Contains(why, want) {
			t.Errorf("%q: %s", text, why)
		}
	}
}

// Puppet's folder may be another user's, who must not hold up the agent, or have it read what is not puppet's.
func TestPuppetIsDisabledByWhateverLiesThere(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(`{"disabled_message": "hunter2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(lock string) error{
		"a pipe":   func(lock string) error { return syscall.Mkfifo(lock, 0o600) },
		"a link":   func(lock string) error { return os.Symlink(secret, lock) },
		"a folder": func(lock string) error { return os.Mkdir(lock, 0o700) },
	} {
		dir := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "state"), 0o700), put(filepath.Join(dir, "state", "agent_disabled.lock"))); err != nil {
			t.Fatal(err)
		}
		said := make(chan string, 1)
		go func() { said <- Puppet{VarDir: dir}.disabled() }()
		select {
		case why := <-said:
			if !strings.Contains(why, "puppet agent --enable") || strings.Contains(why, "hunter2") {
				t.Errorf("%s: it says %q", name, why)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: it waits", name)
		}
	}
}
