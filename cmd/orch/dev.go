package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// devOptions are what `orch dev` was told.
type devOptions struct {
	app     *app
	cluster string
	nodes   int
	seconds float64
	dir     string
}

const devHelp = `Dev starts a Consul server in development mode and some agents, all on loopback
and on free ports, so that everything can be tried without touching anything
else. The agents converge by a script, converge.sh, that writes what it did into
a folder per node: edit it to see nodes fail. Everything it started ends with
it.`

// newDev makes the verb dev.
func newDev(a *app) *cobra.Command {
	o := &devOptions{app: a}
	cmd := &cobra.Command{
		Use:     "dev",
		Short:   "start a Consul and some agents here, to try things",
		Long:    devHelp,
		Example: "  orch dev --nodes 6\n  orch dev --cluster db --nodes 3 --dir ./playground",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.cluster, "cluster", "web", "the agents' cluster")
	cmd.Flags().IntVar(&o.nodes, "nodes", 6, "how many agents to start")
	cmd.Flags().Float64Var(&o.seconds, "seconds", 1, "how long one converge takes")
	cmd.Flags().StringVar(&o.dir, "dir", "", "folder for everything it writes; kept (default: a temporary one, removed at the end)")
	return cmd
}

// dev is a running playground.
type dev struct {
	devOptions
	kids    *children
	consul  string
	agent   string
	address string // of Consul's HTTP API
	script  string
}

func (o *devOptions) run(ctx context.Context) error {
	outliveReaders() // else what it started outlives it
	d := &dev{devOptions: *o, kids: newChildren()}
	defer d.kids.stop()
	if err := d.prepare(); err != nil {
		return err
	}
	if o.dir == "" {
		defer os.RemoveAll(d.dir)
	}
	if err := d.startConsul(ctx); err != nil {
		return err
	}
	for i := range d.nodes {
		if err := d.startAgent(fmt.Sprintf("%s-%02d", d.cluster, i+1)); err != nil {
			return err
		}
	}
	d.welcome()
	return d.wait(ctx)
}

// prepare finds the programs and makes the folder.
func (d *dev) prepare() (err error) {
	if d.nodes < 0 || d.nodes > 50 || d.seconds < 0 {
		return usagef("start %d agents: dev starts 0 to 50, each converge taking 0 seconds or more", d.nodes)
	}
	if d.consul, err = findProgram(d.app.env("CONSUL_BIN"), "consul"); err != nil {
		return fmt.Errorf("find consul: %w; install it, or point CONSUL_BIN at one, or make consul in orch's sources", err)
	}
	if d.agent, err = findProgram("", "convergeagent"); err != nil {
		return fmt.Errorf("find convergeagent: %w; make build puts it beside orch", err)
	}
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "orch-dev-"); err != nil {
			return err
		}
	}
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return err
	}
	for _, sub := range []string{"nodes", "agents", "logs"} {
		if err := os.MkdirAll(filepath.Join(d.dir, sub), 0o755); err != nil {
			return err
		}
	}
	d.script = filepath.Join(d.dir, "converge.sh")
	return os.WriteFile(d.script, []byte(d.converge()), 0o755)
}

// converge is what an agent of the playground runs: the "configuration management" that makes a
// node what the state says, here by writing files.
func (d *dev) converge() string {
	return `#!/bin/sh
# One converge of a playground node: make the node what the state says, and leave a trace of it.
set -eu
node="` + d.dir + `/nodes/$ORCH_NODE"
mkdir -p "$node"
echo "$(date -u +%H:%M:%S.%N) start $ORCH_STATE $ORCH_ARGUMENT run $ORCH_RUN" >> "$node/log"
sleep ` + strconv.FormatFloat(d.seconds, 'f', -1, 64) + `
echo "$ORCH_STATE $ORCH_ARGUMENT" | sed 's/ *$//' > "$node/state"
echo "$(date -u +%H:%M:%S.%N) stop $ORCH_STATE $ORCH_ARGUMENT run $ORCH_RUN" >> "$node/log"
echo "$ORCH_NODE is $ORCH_STATE $ORCH_ARGUMENT"
`
}

// findProgram looks where somebody said, then beside this program, then on the PATH.
func findProgram(told, name string) (string, error) {
	if told != "" {
		return exec.LookPath(told)
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), name)); err == nil {
			return path, nil
		}
	}
	return exec.LookPath(name)
}

// startConsul starts the server and returns when it has a leader.
func (d *dev) startConsul(ctx context.Context) error {
	ports, err := freePorts(4)
	if err != nil {
		return err
	}
	d.address = "127.0.0.1:" + ports[0]
	args := []string{"agent", "-dev", "-node", "playground", "-bind", "127.0.0.1", "-client", "127.0.0.1",
		"-http-port", ports[0], "-server-port", ports[1], "-serf-lan-port", ports[2], "-serf-wan-port", ports[3],
		"-dns-port", "-1", "-grpc-port", "-1", "-grpc-tls-port", "-1", "-log-level", "warn",
		"-hcl", `session_ttl_min = "1s"`} // so that a node that dies is seen to be gone in seconds
	if err := d.kids.start(filepath.Join(d.dir, "logs", "consul.log"), nil, d.consul, args...); err != nil {
		return fmt.Errorf("start consul: %w", err)
	}
	return d.awaitLeader(ctx)
}

// awaitLeader asks until Consul has a leader, or ends, or half a minute is over.
func (d *dev) awaitLeader(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if hasLeader(ctx, d.address) {
			return nil
		}
		select {
		case <-tick.C:
		case name := <-d.kids.ended:
			return fmt.Errorf("start consul: %s; see %s", name, filepath.Join(d.dir, "logs", "consul.log"))
		case <-ctx.Done():
			return fmt.Errorf("start consul: it has no leader yet: %w", context.Cause(ctx))
		}
	}
}

func hasLeader(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v1/status/leader", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
	return err == nil && answer.StatusCode == http.StatusOK && strings.Contains(string(text), ":")
}

func (d *dev) startAgent(node string) error {
	err := d.kids.start(filepath.Join(d.dir, "logs", node+".log"), nil, d.agent, d.agentArgs(node)...)
	if err != nil {
		return fmt.Errorf("start agent %q: %w", node, err)
	}
	return nil
}

func (d *dev) agentArgs(node string) []string {
	state := filepath.Join(d.dir, "agents", node)
	return []string{"--cluster", d.cluster, "--node", node, "--state-dir", state, "--lock-dir", filepath.Join(state, "host"), // each plays a host
		"--http-addr", d.address, "--session-ttl", "3s", "--exec", d.script}
}

// welcome says what there is, and what to type next.
func (d *dev) welcome() {
	late := fmt.Sprintf("%s-%02d", d.cluster, d.nodes+1)
	fmt.Fprintf(d.app.out, `Consul     http://%s/ui
nodes      %d agents of cluster %q; what each of them did: %s
logs       %s

In another terminal:

  export CONSUL_HTTP_ADDR=%s
  %s apply hcl-examples/web
  %s transition %s converged
  %s status %s
  %s %s     # a node that comes late

Ctrl-C ends everything that was started here.
`, d.address, d.nodes, d.cluster, filepath.Join(d.dir, "nodes"), filepath.Join(d.dir, "logs"),
		d.address, d.app.self, d.app.self, d.cluster, d.app.self, d.cluster, d.agent, strings.Join(d.agentArgs(late), " "))
}

// wait ends with the context; a child that ends before its time is told.
func (d *dev) wait(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(d.app.out, "ending everything that was started here")
			if errors.Is(context.Cause(ctx), errInterrupted) {
				return nil
			}
			return context.Cause(ctx)
		case name := <-d.kids.ended:
			fmt.Fprintln(d.app.err, "orch: "+name)
		}
	}
}

// freePorts finds ports of loopback that nobody uses now. They are taken from below the range from
// which kernels give ports to connections, or one of those may have it before the server does.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range 1000 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(10000+rand.IntN(20000)))
		if err != nil {
			continue
		}
		defer listener.Close()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, err
		}
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("find free ports on 127.0.0.1 between 10000 and 30000: there are none")
}
