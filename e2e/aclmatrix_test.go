package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Who may read (r), list (l) and write (w) what, and nobody may anything else. The columns are the
// roles: the agent of web-01, a viewer of web, one who leads web, an operator of web, and the
// operator of every cluster, for whom Consul can leave no part of a cluster out.
const matrix = `
                                      web-01 viewer leader operator founder
id                                    r      r      r      r        rw
freeze                                r      r      r      r        rw
clusters/                             -      l      l      l        rlw
clusters/web/                         -      rl     rl     rl       rlw
clusters/web/freeze                   r      r      r      rw       rw
clusters/web/definition               -      r      rw     rw       rw
clusters/web/leader                   -      r      rw     rw       rw
clusters/web/desired                  r      r      rw     rw       rw
clusters/web/transition               -      r      rw     rw       rw
clusters/web/orders/                  -      rl     rlw    rlw      rlw
clusters/web/orders/web-01            r      r      rw     rw       rw
clusters/web/orders/web-011           -      r      rw     rw       rw
clusters/web/orders/web-02            -      r      rw     rw       rw
clusters/web/status/                  -      rl     rl     rl       rlw
clusters/web/status/web-01            rw     r      r      r        rw
clusters/web/status/web-011           -      r      r      r        rw
clusters/web/status/web-02            -      r      r      r        rw
clusters/web/requests/                -      rl     rlw    rlw      rlw
clusters/web/requests/q-1             -      r      rw     rw       rw
clusters/web/journal/                 -      rl     rlw    rlw      rlw
clusters/web/journal/000000000001     -      r      rw     rw       rw
clusters/web2/desired                 -      -      -      -        rw
clusters/web2/status/web-01           -      -      -      -        rw
clusters/db/requests/q-1              -      -      -      -        rw
gates/qa                              -      -      r      r        r
runbooks/x                            -      -      -      -        -
../service/web/leader                 -      -      r      r        -
../service/db/leader                  -      -      -      -        -
../other                              -      -      -      -        -
`

// asRole asks Consul's API with a role's token.
func (c *cast) asRole(role, method, path, body string) (int, string) {
	c.t.Helper()
	asker := *c.consul
	asker.token = c.secret[role]
	return asker.http(method, path, body)
}

func TestWhoMayDoWhat(t *testing.T) {
	c := newCast(t)
	c.born(`batches = [1]`)
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	roles := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		key := strings.TrimPrefix("orch/"+fields[0], "orch/../")
		for i, role := range roles {
			if got, want := c.rights(role, key), strings.TrimPrefix(fields[i+1], "-"); got != want {
				t.Errorf("%s may do %q with %s, want %q", role, got, key, want)
			}
		}
	}
}

// rights tries a key, and changes nothing: a compare-and-swap with an index that nothing has is
// refused for that alone where it is allowed. What ends in a slash is listed, and a list that is
// denied is nothing. Reading such a name tells about a key below it.
func (c *cast) rights(role, key string) (found string) {
	c.t.Helper()
	probe := key
	if strings.HasSuffix(key, "/") {
		probe += "nothing"
	}
	if code, _ := c.asRole(role, "GET", "/v1/kv/"+probe, ""); code != http.StatusForbidden {
		found += "r"
	}
	if probe != key {
		if code, _ := c.asRole(role, "GET", "/v1/kv/"+key+"?keys&separator=/", ""); code != http.StatusForbidden {
			found += "l"
		}
	}
	code, text := c.asRole(role, "PUT", "/v1/kv/"+probe+"?cas=1", "x")
	deleting, _ := c.asRole(role, "DELETE", "/v1/kv/"+probe+"?cas=1", "")
	switch {
	case code == 200 && strings.TrimSpace(text) == "false" && deleting == 200:
		found += "w"
	case code != http.StatusForbidden || deleting != http.StatusForbidden:
		c.t.Errorf("%s, %s: writing %d %s, deleting %d", role, key, code, text, deleting)
	}
	return found
}

// What a role has no business with beside the keys: other nodes' sessions, services that are not its
// own, all that rules Consul itself; and a cluster whole.
func TestWhatNobodyMay(t *testing.T) {
	c := newCast(t)
	c.born(`batches = [1]`)
	session, service := `{"TTL": "10s", "NodeChecks": []}`, `{"ID": "x", "Name": "%s"}`
	everybody := []string{"web-01", "viewer", "leader", "operator", "founder"}
	for _, row := range []struct {
		what, method, path, body string
		may                      []string
	}{
		{"make a session", "PUT", "/v1/session/create", session, []string{"web-01", "leader", "operator", "founder"}},
		{"make a session of another node", "PUT", "/v1/session/create", `{"Node": "elsewhere", "NodeChecks": []}`, nil},
		{"look at sessions", "GET", "/v1/session/list", "", everybody},
		{"ask the Consul agent", "GET", "/v1/agent/self", "", everybody},
		{"register orch-web", "PUT", "/v1/agent/service/register", fmt.Sprintf(service, "orch-web"), []string{"web-01"}},
		{"register web", "PUT", "/v1/agent/service/register", fmt.Sprintf(service, "web"), []string{"web-01"}},
		{"register db", "PUT", "/v1/agent/service/register", fmt.Sprintf(service, "db"), nil},
		{"put the node into maintenance", "PUT", "/v1/agent/maintenance?enable=true", "", nil},
		{"write the node", "PUT", "/v1/catalog/register", `{"Node": "here", "Address": "127.0.0.9"}`, nil},
		{"delete the cluster", "DELETE", "/v1/kv/orch/clusters/web/?recurse", "", nil},
		{"delete all statuses", "DELETE", "/v1/kv/orch/clusters/web/status/?recurse", "", nil},
		{"delete everything", "DELETE", "/v1/kv/?recurse", "", nil},
		{"read tokens", "GET", "/v1/acl/tokens", "", nil},
		{"write policies", "PUT", "/v1/acl/policy", `{"Name": "mine", "Rules": "key_prefix \"\" { policy = \"write\" }"}`, nil},
		{"take a snapshot", "GET", "/v1/snapshot", "", nil},
		{"fire an event", "PUT", "/v1/event/fire/x", "", nil},
		{"read the keyring", "GET", "/v1/operator/keyring", "", nil},
		{"join the agent elsewhere", "PUT", "/v1/agent/join/127.0.0.9", "", nil},
	} {
		for _, role := range everybody {
			if role == "founder" && strings.HasPrefix(row.what, "delete ") && row.what != "delete everything" {
				continue // it has all clusters, whole
			}
			code, text := c.asRole(role, row.method, row.path, row.body)
			may := strings.Contains(" "+strings.Join(row.may, " ")+" ", " "+role+" ")
			if denied := code == http.StatusForbidden; denied == may || may && code != 200 {
				t.Errorf("%s, to %s: %d %s", role, row.what, code, strings.TrimSpace(text))
			}
		}
	}
}

// Each verb with a token that may look and no more, and with one that may not even look: an error
// that names the token, the right and what to do, and nothing is different afterwards.
func TestVerbsWithoutTheRight(t *testing.T) {
	c := newCast(t)
	c.role("nobody", "viewer", "--prefix", "elsewhere")
	c.born(`
    batches = [1]
    approve = "after_first_batch"`)
	c.as("operator", 3, "transition", "web", "version", "1")
	before := c.everything()
	for line, right := range map[string]string{
		"transition web version 2 --supersede": "key:write",
		"transition web version 2 --queue":     "session:write",
		"pause web":                            "key:write",
		"resume web":                           "key:write",
		"approve web":                          "key:write",
		"abort web":                            "key:write",
		"rollback web --yes":                   "key:write",
		"hold web web-01 --reason x":           "key:write",
		"forget web web-01":                    "key:write",
		"freeze web --reason x":                "key:write",
		"freeze --reason x":                    "key:write",
		"apply --yes " + c.file("web.hcl", webHCL("batches = [2]")): "session:write",
	} {
		c.lacks("viewer", right, strings.Fields(line)...)
		c.lacks("nobody", "key:read", strings.Fields(line)...)
	}
	for _, line := range []string{"status web", "why web", "why web web-01", "plan web version 7", "history web", "show web", "graph web",
		"retry web", "reconverge web", "unhold web web-01", "thaw web", "thaw", "unlock web", "recover web"} {
		c.lacks("nobody", "key:read", strings.Fields(line)...)
	}
	c.lacks("nobody", "key:list", "status")
	c.lacks("web-01", "key:read", "status", "web")
	if after := c.everything(); after != before {
		t.Errorf("something was done all the same:\n%s\nand before\n%s", after, before)
	}
}

// lacks runs a verb that must end with an error about a right.
func (c *cast) lacks(role, right string, args ...string) {
	c.t.Helper()
	text := c.as(role, 1, args...)
	for _, want := range []string{"permission denied", "token " + c.accessor(role) + " lacks " + right, "--token-file", "orch acl"} {
		if !strings.Contains(text, want) {
			c.t.Errorf("%s: orch %s does not say %q:\n%s", role, strings.Join(args, " "), want, text)
		}
	}
	if strings.Contains(text, "panic") || strings.Contains(text, "goroutine") {
		c.t.Errorf("%s: orch %s:\n%s", role, strings.Join(args, " "), text)
	}
}

func (c *cast) accessor(role string) string {
	_, text := c.asRole(role, "GET", "/v1/acl/token/self", "")
	_, rest, _ := strings.Cut(text, `"AccessorID":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// everything is all keys but the agents' own, with the index of their last change.
func (c *cast) everything() string {
	c.t.Helper()
	var lines []string
	for _, pair := range c.pairs() {
		if !strings.Contains(pair.Key, "/status/") {
			lines = append(lines, fmt.Sprint(pair.Key, " ", pair.ModifyIndex))
		}
	}
	return strings.Join(lines, "\n")
}

// Who may ask and not lead, where nobody leads: what was asked is not left for others to find.
func TestAskingWithoutLeading(t *testing.T) {
	c := newCast(t)
	c.born(`batches = [1]`)
	c.secret["asker"] = c.consul.newToken("asker", c.ok("acl", "viewer", "--cluster", "web")+`key_prefix "orch/clusters/web/requests/" { policy = "write" }`)
	c.files["asker"] = c.file("token.asker", c.secret["asker"])
	before := c.everything()
	c.lacks("asker", "session:write", "transition", "web", "version", "1")
	if after := c.everything(); after != before {
		t.Errorf("it left something:\n%s\nand before\n%s", after, before)
	}
	goOn := c.stays("web-01", "")
	move := c.start("operator", "transition", "web", "version", "2")
	eventually(t, "web-01 to run", patience, func() bool { return len(c.to("version 2")) == 1 })
	c.as("asker", 0, "pause", "web", "--reason", "where somebody leads, asking is enough")
	goOn()
	if code := c.wait(move, patience); code != 3 {
		t.Errorf("the paused move: exit code %d:\n%s", code, move.text())
	}
}
