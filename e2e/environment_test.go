package e2e

import (
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"
)

// foul has all that a terminal obeys, what breaks a line, what reads the other way round, and what is no text.
const foul = "x\x1b[2J\x1b]0;owned\a\r\u009b1mY\u202eZ\n\xff\xfe orch: done"

// surroundings are the variables that both programs read, and what in their place no program should choke
// on. The longest is what the kernel lets pass.
var (
	surroundings = []string{"CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_TOKEN_FILE", "CONSUL_HTTP_AUTH", "CONSUL_HTTP_SSL", "CONSUL_HTTP_SSL_VERIFY",
		"CONSUL_CACERT", "CONSUL_CAPATH", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY", "CONSUL_TLS_SERVER_NAME", "CONSUL_NAMESPACE", "CONSUL_PARTITION", "CONSUL_DATACENTER",
		"ORCH_PREFIX", "ORCH_OPERATOR", "ORCH_CONFIG", "ORCH_LOG", "ORCH_VAR_color", "HTTP_PROXY", "HTTPS_PROXY", "TERM", "TZ", "COLUMNS", "XDG_RUNTIME_DIR", "HOME", "PATH", "TMPDIR"}
	surrounded = map[string]string{"foul": foul, "long": strings.Repeat("w", 128<<10-100), "a word": "maybe", "a way out": "../../../etc/passwd", "a URL": "http://%zz:99999/\x7f"}
)

// safely fails where a terminal would obey what a program said, or where it went down.
func (f *field) safely(what, said string) {
	f.t.Helper()
	if i := strings.IndexFunc(said, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }); i >= 0 {
		f.t.Errorf("%s: a terminal may obey what is said: %q", what, said[max(0, i-80):min(len(said), i+80)])
	}
	if !utf8.ValidString(said) {
		f.t.Errorf("%s: that is no text: %q", what, said[:min(len(said), 500)])
	}
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic:") {
		f.t.Errorf("%s: it went down: %.2000s", what, said)
	}
	if len(said) > 10<<10 {
		f.t.Errorf("%s: it takes %d bytes to say so: %.300s", what, len(said), said)
	}
}

// Whatever stands in the environment: both programs say what is wrong in words that a terminal can show, or go
// on; nothing of it is written into Consul raw, and nothing that lies there is lost.
func TestHostileEnvironment(t *testing.T) {
	f := newField(t)
	f.web("")
	definition := f.consul.get("clusters/web/definition")
	for _, variable := range surroundings {
		for name, value := range surrounded {
			what, env := variable+", "+name, []string{variable + "=" + value}
			p := f.spawn(env, orchBin, "status", "web")
			if code := f.wait(p, patience); code != 0 && code != 1 && code != 2 || code != 0 && len(p.text()) < 20 {
				t.Errorf("%s: exit code %d: %s", what, code, p.text())
			}
			f.safely("orch, "+what, p.text())
			if name != "foul" && name != "long" {
				continue
			}
			a := f.spawn(env, agentBin, "--cluster", "web", "--node", "web-01", "--observe", "--state-dir", f.dir+"/agents/web-01", "--lock-dir", f.dir+"/host", "--exec", "/bin/true")
			eventually(t, what+": the agent to begin or to end", patience, func() bool { return !a.running() || strings.Count(a.text(), "\n") > 2 })
			a.signal(syscall.SIGTERM)
			if code := f.wait(a, patience); code != 0 && code != 1 && code != 2 {
				t.Errorf("%s: exit code %d: %s", what, code, a.text())
			}
			f.safely("convergeagent, "+what, a.text())
		}
	}
	if now := f.consul.get("clusters/web/definition"); now != definition {
		t.Errorf("the definition was %q\nand is %q", definition, now)
	}
}

// Who asks is what ORCH_OPERATOR says: it is written into Consul and shown to everybody.
func TestHostileOperator(t *testing.T) {
	f := newField(t)
	f.web("")
	f.nodes(1)
	for name, value := range surrounded {
		for _, args := range [][]string{{"freeze", "web", "--reason", foul}, {"thaw", "web"}, {"hold", "web", "web-01", "--reason", foul}, {"unhold", "web", "web-01"},
			{"transition", "web", "waiting", "--reason", foul}, {"rollback", "web", "--yes", "--reason", foul}} {
			what := name + ", " + strings.Join(args[:2], " ")
			p := f.spawn([]string{"ORCH_OPERATOR=" + value}, orchBin, append(args, "--lease-ttl", ttl.String())...)
			if code := f.wait(p, patience); code != 0 && code != 1 && code != 2 {
				t.Errorf("%s: exit code %d: %s", what, code, p.text())
			}
			f.safely(what, p.text())
		}
		f.locally("disable", "web-01", "--reason", foul)
		f.locally("enable", "web-01")
	}
	for _, line := range []string{"status web", "why web", "why web web-01", "history web"} {
		f.safely(line, f.ok(strings.Fields(line)...))
	}
	for _, key := range []string{"desired", "transition", "orders/web-01", "status/web-01", "freeze", "leader"} {
		f.safely(key, f.consul.get("clusters/web/"+key))
	}
	_, all := f.consul.http("GET", "/v1/kv/orch/clusters/web/journal/?recurse&keys", "")
	for _, key := range strings.Split(strings.Trim(all, "[]\n"), ",") {
		f.safely(key, f.consul.get(strings.TrimPrefix(strings.Trim(key, `" `), "orch/")))
	}
}
