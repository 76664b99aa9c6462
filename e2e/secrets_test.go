package e2e

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
)

// What a converge prints of secrets stays on the node: the agent's own token, what looks like one, and what
// its file says. That holds while the run goes on and when it ended, in KV and in the catalog.
func TestSecretsStayOnTheNode(t *testing.T) {
	f := newField(t, "acl")
	f.web("retries = 1")
	const other = "0b5fa4d8-11cc-4a8f-9d3b-6a1f7c9e2d10"
	f.ctl("web-01", `[ "$ORCH_STATE" = waiting ] || return 0
printf 'Authorization: \033[31m`+f.consul.token[:9]+`\033[0m`+f.consul.token[9:]+`\n'
echo 'SecretID:   `+other+`'
echo 'connect with password=hunter2 to db'
echo "`+strings.Repeat("x", 190)+f.consul.token+`"
printf 'web:%s' `+f.consul.token+` | base64 | sed 's/^/the value is /'
printf '\377\376 not text\n'
while ! [ -f $dir/go ]; do sleep 0.1; done
[ -f $dir/failed ] || { : > $dir/failed; echo 'password=hunter2 is refused'; exit 1; }`)
	config := f.file("agent.hcl", `
cluster   = "web"
node      = "web-01"
state_dir = "`+f.dir+`/agents/web-01"
lock_dir  = "`+f.dir+`/host"
redact    = ["password=\\S+"]
consul {
  address    = "`+f.consul.addr+`"
  token_file = "`+f.file("token", f.consul.token)+`"
}
converge "exec" { command = ["`+f.script()+`"] }
`)
	f.agents["web-01"] = f.spawn(nil, agentBin, "--config", config, "--session-ttl", ttl.String())
	f.alive(1)
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "the run to be shown", patience, func() bool { return hasLine(f.node("web-01"), "not text") })
	f.secretsAreNowhere(other)
	f.file("go", "")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	f.secretsAreNowhere(other)
	s := f.node("web-01")
	for _, line := range []string{"Authorization: [hidden]", "SecretID:   [hidden]", "connect with [hidden] to db", "\uFFFD not text"} {
		if !hasLine(s, line) {
			t.Errorf("it does not say %q: %q", line, s.Run.Tail)
		}
	}
	info, err := os.Stat(s.Run.Log)
	must(t, err)
	if text, _ := os.ReadFile(s.Run.Log); info.Mode().Perm() != 0o600 || !strings.Contains(string(text), "hunter2") {
		t.Errorf("the log on the node is %s, and says\n%s", info.Mode(), text)
	}
}

func (f *field) secretsAreNowhere(other string) {
	f.t.Helper()
	texts := map[string]string{"what the agent said": f.agents["web-01"].text()}
	for _, path := range []string{"/v1/agent/checks", "/v1/agent/services", "/v1/catalog/services"} {
		_, texts[path] = f.consul.http("GET", path, "")
	}
	for _, key := range f.consul.all() {
		texts[key] = f.consul.get(key)
	}
	if len(texts) < 10 {
		f.t.Errorf("only %d places were looked at", len(texts))
	}
	for place, text := range texts {
		for _, secret := range []string{f.consul.token, f.consul.token[9:], base64.RawStdEncoding.EncodeToString([]byte("web:" + f.consul.token))[8:40], other, "hunter2"} {
			if strings.Contains(text, secret) {
				f.t.Errorf("%s has the secret %q:\n%s", place, secret, text)
			}
		}
	}
}

// all lists every key below orch/.
func (s *server) all() (keys []string) {
	_, text := s.http("GET", "/v1/kv/orch/?keys&separator=", "")
	for _, key := range strings.Split(strings.Trim(text, "[]\n"), ",") {
		keys = append(keys, strings.TrimPrefix(strings.Trim(key, "\" \n"), "orch/"))
	}
	return keys
}
