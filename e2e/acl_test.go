package e2e

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// cast is who plays on a field with ACLs: for each role a file with the token of exactly the policy
// that orch acl prints for it. The management token is for setting up, and for looking.
type cast struct {
	*field
	files  map[string]string // of tokens, by role
	secret map[string]string // the tokens themselves
	said   []*process
}

// newCast denies everything to everybody, and gives out the roles.
func newCast(t *testing.T) *cast {
	t.Helper()
	c := &cast{field: newField(t, "acl"), files: map[string]string{}, secret: map[string]string{}}
	c.role("founder", "operator", "--consul-node", "here")
	c.role("operator", "operator", "--cluster", "web", "--consul-node", "here", "--service", "web", "--lock", "service/web/leader")
	c.role("leader", "leader", "--cluster", "web", "--consul-node", "here", "--service", "web", "--lock", "service/web/leader")
	c.role("viewer", "viewer", "--cluster", "web")
	for _, node := range []string{"web-01", "web-02", "web-03"} {
		c.role(node, "agent", "--cluster", "web", "--node", node, "--consul-node", "here", "--service", "web")
	}
	return c
}

// role makes a token of what orch acl says.
func (c *cast) role(name string, args ...string) {
	c.t.Helper()
	c.secret[name] = c.consul.newToken(name, c.ok(append([]string{"acl"}, args...)...))
	c.files[name] = c.file("token."+name, c.secret[name]+"\n")
}

// start begins a command with a role's token and no other.
func (c *cast) start(role string, args ...string) *process {
	c.t.Helper()
	p := c.spawn([]string{"ORCH_OPERATOR=" + role, "CONSUL_HTTP_TOKEN="}, orchBin,
		append(args, "--token-file", c.files[role], "--lease-ttl", ttl.String())...)
	c.said = append(c.said, p)
	return p
}

// as runs a command as a role, which must end with a code.
func (c *cast) as(role string, code int, args ...string) string {
	c.t.Helper()
	p := c.start(role, args...)
	if got := c.wait(p, patience); got != code {
		why, _ := c.orch("why", "web")
		c.t.Fatalf("%s: orch %s: want exit code %d, got %d:\n%s\norch why web:\n%s", role, strings.Join(args, " "), code, got, p.text(), why)
	}
	return p.text()
}

// boot starts a node's agent with its own token.
func (c *cast) boot(node string) {
	c.t.Helper()
	c.said = append(c.said, c.agent(node, "--token-file", c.files[node]))
}

// born applies the cluster web and brings its nodes to converged.
func (c *cast) born(inside string) {
	c.t.Helper()
	c.as("founder", 0, "apply", "--yes", c.file("web.hcl", versionHCL("")))
	for _, node := range []string{"web-01", "web-02", "web-03"} {
		c.boot(node)
	}
	c.alive(3)
	c.as("operator", 0, "transition", "web", "converged")
	c.as("operator", 0, "apply", "--yes", c.file("web.hcl", versionHCL(inside)))
}

// With nothing but what orch acl prints, where everything is denied and lists have a right of their
// own: the whole main job, each step with the token of whoever does it. Afterwards no token is to be
// found anywhere but in its file.
func TestRolesDoTheWholeJob(t *testing.T) {
	c := newCast(t)
	c.ctl("all", "env > "+c.dir+"/env.$ORCH_RUN; cat /proc/$PPID/cmdline > "+c.dir+"/cmdline.$ORCH_RUN")
	c.born(`
    batches = [1, 2]
    drain "web" { wait = "200ms" }
    min_healthy = 1
    primary { lock = "service/web/leader" }
    approve = "after_first_batch"
    gate "consul_check" "web-passing" {
      service     = "web"
      passing_for = "200ms"
      timeout     = "10s"
    }`)
	c.check("passing", "web-01", "web-02", "web-03")
	c.says(c.as("operator", 3, "transition", "web", "version", "1"), "orch approve web")
	c.as("operator", 0, "approve", "web", "--reason", "looks good")
	c.as("operator", 0, "apply", "--yes", c.file("web.hcl", versionHCL(`batches = [1]`)))

	goOn := c.stays("web-01", "")
	move := c.start("operator", "transition", "web", "version", "2")
	eventually(t, "web-01 to run", patience, func() bool { return len(c.to("version 2")) == 1 })
	c.as("operator", 0, "pause", "web", "--reason", "looks wrong")
	goOn()
	if code := c.wait(move, patience); code != 3 {
		t.Fatalf("the paused move: exit code %d:\n%s", code, move.text())
	}
	c.says(c.as("viewer", 0, "why", "web"), "looks wrong")
	c.as("leader", 0, "resume", "web")

	c.ctl("web-02", `echo "disk full" >&2; exit 7`)
	c.as("operator", 4, "transition", "web", "version", "3")
	c.says(c.as("viewer", 0, "why", "web", "web-02"), "disk full")
	c.ctl("web-02", "")
	c.as("operator", 0, "retry", "web")
	c.as("operator", 0, "rollback", "web")
	c.as("operator", 0, "hold", "web", "web-03", "--reason", "disk swap")
	c.as("operator", 0, "transition", "web", "version", "4")
	c.as("operator", 0, "unhold", "web", "web-03")
	c.as("leader", 0, "transition", "web", "version", "5")
	c.as("operator", 0, "freeze", "web", "--reason", "fair")
	c.as("operator", 0, "thaw", "web")
	c.as("founder", 0, "freeze", "--reason", "fair")
	c.as("founder", 0, "thaw")
	c.agents["web-01"].signal(syscall.SIGTERM)
	c.wait(c.agents["web-01"], patience)
	c.alive(2)
	c.as("operator", 0, "transition", "web", "version", "6")
	c.boot("web-01")
	eventually(t, "web-01 to be back", patience, func() bool { return c.node("web-01").Phase == "settled" && len(c.to("version 6")) == 3 })
	c.as("leader", 0, "reconverge", "web")
	c.as("operator", 6, "forget", "web", "web-01")
	c.looks()
	c.nowhere()
}

// looks has the viewer look at everything.
func (c *cast) looks() {
	c.t.Helper()
	c.says(c.as("viewer", 0, "status"), "web")
	c.says(c.as("viewer", 0, "status", "web"), "version 6", "dc1")
	c.says(c.as("viewer", 0, "history", "web"), "looks good", "looks wrong", "disk swap")
	for _, line := range []string{"why web", "why web web-01", "plan web version 7", "show web", "graph web", "status web -o json"} {
		c.as("viewer", 0, strings.Fields(line)...)
	}
}

// nowhere looks for tokens where none may be: in what every program said, in arguments and the
// environment of runs, in state directories and logs, in all of Consul's KV.
func (c *cast) nowhere() {
	c.t.Helper()
	places := map[string]string{}
	for i, p := range c.said {
		places["output of "+strings.Join(p.cmd.Args, " ")] = p.text()
		places["arguments "+strconv.Itoa(i)] = strings.Join(p.cmd.Args, " ")
		if p.running() {
			text, _ := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/cmdline")
			places["/proc, arguments of "+p.cmd.Args[0]] = string(text)
		}
	}
	pairs := c.pairs()
	for _, pair := range pairs {
		places["key "+pair.Key] = string(pair.Value)
	}
	files := 0
	must(c.t, filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), "token.") {
			return err
		}
		text, err := os.ReadFile(path)
		places[path] = string(text)
		if files++; bytes.Contains(text, []byte("CONSUL_HTTP")) {
			c.t.Errorf("a run knows of the token's place: %s", path)
		}
		return err
	}))
	if files < 20 || len(pairs) < 20 {
		c.t.Errorf("only %d files and %d keys were looked at", files, len(pairs))
	}
	for place, text := range places {
		for role, secret := range c.secret {
			if strings.Contains(text, secret) {
				c.t.Errorf("the token of %s is in %s", role, place)
			}
		}
	}
}

// kvPair is a key as it lies in Consul.
type kvPair struct {
	Key         string
	Value       []byte
	ModifyIndex uint64
}

// pairs reads all of Consul's KV.
func (c *cast) pairs() (pairs []kvPair) {
	c.t.Helper()
	_, raw := c.consul.http("GET", "/v1/kv/?recurse", "")
	must(c.t, json.Unmarshal([]byte(raw), &pairs))
	return pairs
}
