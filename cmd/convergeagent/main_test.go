package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"orch/convergeagent/runner"
)

// The test binary is the program too, so that what is tested with signals is what is shipped.
func TestMain(m *testing.M) {
	if os.Getenv("CONVERGEAGENT_MAIN") != "" || len(os.Args) == 3 && os.Args[1] == runner.Command {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a real agent. No Consul answers it: it is on its own, as agents can be.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	out *output
}

// output can be read while the process writes it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func spawn(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(self, args...), out: &output{}}
	p.cmd.Env = append(os.Environ(), "CONVERGEAGENT_MAIN=1", "CONSUL_HTTP_ADDR=127.0.0.1:1")
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// agent starts one with a state directory, and waits until that is its own and signals are heard.
func agent(t *testing.T, dir string) *process {
	t.Helper()
	p := spawn(t, "--cluster", "web", "--node", "web-01", "--state-dir", dir, "--exec", "true")
	p.says(" started:")
	return p
}

// says waits until the process has said something.
func (p *process) says(what string) {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(p.out.String(), what) {
			return
		}
	}
	p.t.Fatalf("it never says %q:\n%s", what, p.out)
}

func (p *process) ends(code int, saying string) {
	p.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); _ = p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
		p.t.Fatalf("it did not end:\n%s", p.out)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code || !strings.Contains(p.out.String(), saying) {
		p.t.Errorf("want exit code %d and %q, got %d:\n%s", code, saying, got, p.out)
	}
}

func TestSignalsStopIt(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			p := agent(t, t.TempDir())
			start := time.Now()
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			p.ends(exitStopped, "stopped")
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("it took %s to stop", took)
			}
		})
	}
}

func TestSecondAgentIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := agent(t, dir)
	spawn(t, "--cluster", "web", "--node", "web-01", "--state-dir", dir, "--exec", "true").ends(exitRefused, dir)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.ends(-1, "")
	p := agent(t, dir) // a lock ends with its process, however that ends
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends(exitStopped, "stopped")
}

// A state file is never replaced: it may be all that keeps a node from going backwards.
func TestDamagedStateFile(t *testing.T) {
	dir := t.TempDir()
	p := agent(t, dir)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends(exitStopped, "")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(whole[:len(whole)/2]), "garbage": "\x00\x01", "of another node": strings.Replace(string(whole), "web-01", "web-02", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			p := spawn(t, "--cluster", "web", "--node", "web-01", "--state-dir", dir, "--exec", "true")
			p.says("safe mode")
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			p.ends(exitStopped, files[0])
			if after, _ := os.ReadFile(files[0]); string(after) != text {
				t.Errorf("the file was changed to %q", after)
			}
		})
	}
}

// runIt runs the command line with an agent that only notes what it was told.
func runIt(args ...string) (told options, code int, out string) {
	var text bytes.Buffer
	code = run(context.Background(), args, &text, &text, func(_ context.Context, o options) error { told = o; return nil })
	return told, code, text.String()
}

func TestVersion(t *testing.T) {
	if _, code, out := runIt("version"); code != 0 || !strings.HasPrefix(out, "convergeagent dev, go") || !strings.Contains(out, "schema 1") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestHelpNamesEveryCode(t *testing.T) {
	_, code, out := runIt("--help")
	for _, want := range []string{"  0  ", "  1  ", "  2  ", "  6  ", "--http-addr", "ORCH_ATTRIBUTES"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("the help, exit code %d, says nothing of %q", code, want)
		}
	}
	if strings.Contains(out, "--token ") {
		t.Error("a flag takes the token itself, and arguments are public")
	}
}

// A machine that is rebooted, or whose agent is upgraded, before its Consul agent answered has no name yet: what
// was never known is not written down as the name that the state directory belongs to.
func TestToldToStopBeforeItHasAName(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	p := spawn(t, "--cluster", "web", "--state-dir", dir, "--exec", "true")
	p.says("waits for the Consul agent")
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends(exitStopped, "")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		text, _ := os.ReadFile(filepath.Join(dir, "agent.json"))
		t.Errorf("it noted whose directory that is: %v, %s", err, text)
	}
}

// Whoever reads its log may be restarted, as journald is. That costs lines of the log, and not the agent.
func TestItOutlivesWhoReadsItsLog(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	consul := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/txn") { // each is answered with an error, and the agent says so
			select {
			case asked <- struct{}{}:
			case <-r.Context().Done():
			}
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer consul.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := unread(t, write, "CONSUL_HTTP_ADDR="+consul.URL, "--cluster", "web", "--node", "web-01", "--state-dir", t.TempDir(), "--exec", "true")
	write.Close()
	<-asked
	read.Close()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Wait() }()
	for range 8 {
		select {
		case <-asked:
		case <-ended:
			t.Fatalf("it ended: %v", p.ProcessState)
		}
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	for over := false; !over; {
		select {
		case <-asked:
		case <-ended:
			over = true
		}
	}
	if code := p.ProcessState.ExitCode(); code != exitStopped {
		t.Errorf("it ends with %v", p.ProcessState)
	}
}

// unread starts an agent whose log goes where nobody may read it.
func unread(t *testing.T, log *os.File, consul string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "CONVERGEAGENT_MAIN=1", consul), log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}
