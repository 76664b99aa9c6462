// Demo tells orch's story on a real Consul: `make demo`. It types the commands that a user would
// type, shows what they say, and looks at the nodes' own traces after each step. It ends with 0
// only if every step was seen to hold, and leaves nothing running.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := tell(); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo: it did not hold:", err)
		os.Exit(1)
	}
	fmt.Println("\nEvery step was seen to hold, and nothing was left running.")
}

// stage is the running playground.
type stage struct {
	dir     string
	address string
	dev     *exec.Cmd
	agents  map[string]*exec.Cmd
}

func tell() (err error) {
	began := time.Now()
	s := &stage{agents: map[string]*exec.Cmd{}}
	if s.dir, err = os.MkdirTemp("", "orch-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if err := s.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, chapter := range []func() error{s.born, s.converge, s.dies, s.releases, s.late, s.back, s.off} {
		if err := chapter(); err != nil {
			return err
		}
	}
	fmt.Printf("\nThe story took %s.\n", time.Since(began).Round(time.Second))
	return nil
}

// open starts the playground with five nodes, and a sixth that the story needs to hold by its own hand.
func (s *stage) open() error {
	say("A Consul and six nodes, all on this machine: orch dev")
	s.dev = exec.Command("bin/orch", "dev", "--nodes", "5", "--seconds", "0.3", "--dir", s.dir)
	out, err := s.dev.StdoutPipe()
	if err != nil {
		return err
	}
	s.dev.Stderr = os.Stderr
	if err := s.dev.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, found := strings.CutPrefix(strings.TrimSpace(lines.Text()), "export CONSUL_HTTP_ADDR="); found {
			s.address = address
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	go io.Copy(io.Discard, out) //nolint:errcheck // it ends with the playground
	if s.address == "" {
		return errors.New("the playground did not say where its Consul is")
	}
	fmt.Printf("   Consul's UI: http://%s/ui\n", s.address)
	if err := s.start("web-06"); err != nil {
		return err
	}
	return s.await("six agents to be alive", func() bool { return s.alive() == 6 })
}

func (s *stage) born() error {
	say("The cluster is made known. It is born \"off\", and every node converges to that by itself.")
	if err := s.orch("apply", "--yes", "hcl-examples/web"); err != nil {
		return err
	}
	return s.all("off", 6)
}

func (s *stage) converge() error {
	say("One command moves it, hop by hop and batch by batch: one canary, then two at a time.")
	if err := s.orch("transition", "web", "converged", "--yes"); err != nil {
		return err
	}
	if err := s.all("converged", 6); err != nil {
		return err
	}
	return s.atMost(2, "converged")
}

func (s *stage) dies() error {
	say("web-06 dies: kill -9.")
	s.kill("web-06")
	return s.await("web-06 to be seen as gone", func() bool { return s.alive() == 5 })
}

func (s *stage) releases() error {
	say("Two releases pass it by.")
	for _, version := range []string{"41", "42"} {
		if err := s.orch("transition", "web", "version", version); err != nil {
			return err
		}
	}
	return s.all("version 42", 5)
}

func (s *stage) late() error {
	say("web-07 is new. No orch is running; it finds out by itself where the cluster is.")
	if err := s.start("web-07"); err != nil {
		return err
	}
	return s.all("version 42", 6)
}

func (s *stage) back() error {
	say("web-06 comes back from the dead: one run, straight to version 42.")
	if err := s.start("web-06"); err != nil {
		return err
	}
	if err := s.all("version 42", 7); err != nil {
		return err
	}
	if n := s.count("web-06", "start version 41"); n != 0 {
		return errors.New("web-06 went through version 41")
	}
	return nil
}

func (s *stage) off() error {
	say("Everything is switched off while web-06 is down. When it returns, it does not start.")
	s.kill("web-06")
	if err := s.await("web-06 to be seen as gone", func() bool { return s.alive() == 6 }); err != nil {
		return err
	}
	before := s.count("web-06", "start")
	if err := s.orch("transition", "web", "off", "--yes"); err != nil {
		return err
	}
	if err := s.start("web-06"); err != nil {
		return err
	}
	if err := s.all("off", 7); err != nil {
		return err
	}
	if s.count("web-06", "start")-before != 1 || s.count("web-06", "start off") < 2 {
		return errors.New("web-06 started something on its way to off")
	}
	return s.orch("status", "web")
}

// close ends the playground and looks that nothing is left of it.
func (s *stage) close() error {
	for name := range s.agents {
		s.kill(name)
	}
	if err := s.dev.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.dev.Wait(); err != nil {
		return fmt.Errorf("end the playground: %w", err)
	}
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, proc := range procs {
		if text, err := os.ReadFile(proc); err == nil && strings.Contains(string(text), s.dir) {
			return fmt.Errorf("left running: %s", strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return nil
}

// start starts a node's agent; started again, it is the same node.
func (s *stage) start(node string) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "logs", node+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("bin/convergeagent", "--cluster", "web", "--node", node, "--state-dir", filepath.Join(s.dir, "agents", node),
		"--http-addr", s.address, "--session-ttl", "3s", "--lock-dir", filepath.Join(s.dir, "agents", node, "host"), "--exec", filepath.Join(s.dir, "converge.sh"))
	cmd.Stdout, cmd.Stderr = log, log
	s.agents[node] = cmd
	return cmd.Start()
}

func (s *stage) kill(node string) {
	if cmd := s.agents[node]; cmd != nil && cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// orch types a command, shows it and what it says.
func (s *stage) orch(args ...string) error {
	fmt.Println("   $ orch " + strings.Join(args, " "))
	cmd := exec.Command("bin/orch", args...)
	cmd.Env = append(os.Environ(), "CONSUL_HTTP_ADDR="+s.address)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		fmt.Print("   | " + line)
	}
	if err != nil {
		return fmt.Errorf("orch %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// alive counts the agents whose session holds their status.
func (s *stage) alive() int {
	cmd := exec.Command("bin/orch", "status", "web", "-o", "json")
	cmd.Env = append(os.Environ(), "CONSUL_HTTP_ADDR="+s.address)
	out, _ := cmd.Output()
	return strings.Count(string(out), `"alive": true`)
}

// all waits until so many nodes are in a state, by the files that their converges wrote.
func (s *stage) all(state string, nodes int) error {
	return s.await(fmt.Sprintf("%d nodes to be %s", nodes, state), func() bool {
		found := 0
		files, _ := filepath.Glob(filepath.Join(s.dir, "nodes", "*", "state"))
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == state {
				found++
			}
		}
		return found == nodes
	})
}

// count counts the lines of a node's own log.
func (s *stage) count(node, text string) int {
	log, _ := os.ReadFile(filepath.Join(s.dir, "nodes", node, "log"))
	return strings.Count(string(log), text)
}

// atMost looks at the nodes' own logs: never more converges to a state at once than that.
func (s *stage) atMost(limit int, state string) error {
	files, _ := filepath.Glob(filepath.Join(s.dir, "nodes", "*", "log"))
	var edges []string
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 2 && fields[2] == state {
				edges = append(edges, fields[0]+" "+fields[1])
			}
		}
	}
	going, most := 0, 0
	for _, edge := range slices.Sorted(slices.Values(edges)) {
		if strings.HasSuffix(edge, "start") {
			going++
		} else {
			going--
		}
		most = max(most, going)
	}
	fmt.Printf("   ✓ never more than %d converges to %s at once\n", most, state)
	if most > limit {
		return fmt.Errorf("%d converges at once, %d allowed", most, limit)
	}
	return nil
}

// await waits for something that other processes do.
func (s *stage) await(what string, ok func() bool) error {
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("waited in vain for %s", what)
		}
	}
	fmt.Println("   ✓ " + what)
	return nil
}

func say(text string) { fmt.Printf("\n── %s\n", text) }
