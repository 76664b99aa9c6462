package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"orch/states"
)

// hostileWords are what no name is, and what somebody may type or paste all the same.
var hostileWords = map[string]string{
	"empty": "", "blank": " ", "parent": "../web", "inside": "web/../db", "root": "/web", "slash": "web/", "dot": ".", "dots": "..",
	"dash": "-", "option": "--no-such-flag", "short option": "-rf", "NUL": "web\x00", "newline": "web\nweb", "tab": "web\t", "escape": "\x1b[2Jweb",
	"bell": "\a", "title": "\x1b]0;owned\a", "C1": "\u009b2J", "lookalike": "wеb", "wide": "ｗｅｂ", "bidi": "web\u202ebew", "nothing seen": "web\u200b",
	"percent": "web%2fleader", "encoded": "%2e%2e", "query": "web?raw", "hash": "web#", "star": "*", "shell": "$(reboot)", "quote": `we"b`,
	"template": "${argument}", "not UTF-8": "web\xff", "long": strings.Repeat("w", 300), "very long": strings.Repeat("w", 200_000), "capital": "WEB",
}

// hostileLines are the verbs with one place for such a word.
var hostileLines = []string{
	"status ?", "status ? -o json", "status ? --watch", "why ?", "why web ?", "plan ? on", "plan web ?", "plan web version ?", "plan web on --via ?", "plan web on --override ?",
	"history ?", "history web ?", "show ?", "graph ?", "graph web --format ?", "transition ? on --yes", "transition web ? --yes",
	"transition web version ? --yes", "transition web on --yes --via ?", "transition web on --yes --override ?", "transition web on --yes --timeout ?",
	"reconverge ? --yes", "reconverge web --node ? --yes", "retry ?", "retry web --node ?", "pause ?", "resume ?", "approve ?", "abort ? --yes", "rollback ? --yes",
	"rollback web --to ? --yes", "hold ? web-1 --reason x", "hold web ? --reason x", "hold web web-1 --reason x --until ?", "unhold ? web-1", "unhold web ?",
	"forget ? web-1 --yes", "forget web ? --yes", "freeze ? --reason x", "freeze web --reason x --until ?", "thaw ?", "unlock ? --yes", "recover ? on --yes", "recover web ? --yes",
	"recover web version ? --yes", "fsck ?", "acl ?", "acl agent --cluster ? --node web-1", "acl agent --cluster web --node ?", "apply --yes ?", "apply --yes --initial ? web.hcl", "validate ?", "fmt ?",
	"status -o ?", "status --prefix ?", "status --lease-ttl ?", "completion ?", "schema ?", "sign ?",
}

// Whatever is typed where a name belongs: no panic, nothing is written, and the answer is short, can
// be shown, and is no success.
func TestHostileArguments(t *testing.T) {
	t.Chdir(t.TempDir()) // what is taken for a path is not there
	w := applied(t)
	must(t, os.WriteFile("web.hcl", []byte(webFile), 0o600))
	for _, line := range hostileLines {
		for name, word := range hostileWords {
			words := strings.Fields(line)
			for i := range words {
				if words[i] == "?" {
					words[i] = word
				}
			}
			before, writes := fmt.Sprintf("%+v", w.snapshot.Desired), w.writes
			code := w.run(words...)
			what := fmt.Sprintf("%s: %q", strings.ReplaceAll(line, "?", "("+name+")"), states.Clip(word, 40))
			said := w.err.String()
			if code == exitDone && !harmless(line, word) {
				t.Errorf("%s: done\n%.300s", what, w.out.String())
			}
			if code != exitDone && (code != exitUsage && code != exitError && code != exitRefused || !strings.HasPrefix(said, "orch: ") && !strings.HasPrefix(said, "Error: ")) {
				t.Errorf("%s: exit code %d: %.300s", what, code, said)
			}
			if len(said) > 2500 && !strings.HasPrefix(said, "Error: Cannot be read") { // a path is shown whole

				t.Errorf("%s: it takes %d bytes to say so: %.200s", what, len(said), said)
			}
			shownSafely(t, what, said+w.out.String())
			asked := (strings.Contains(line, "--node ?") || strings.Contains(line, "hold web ?") || strings.Contains(line, "forget web ?")) && states.ValidNode(word) // a leader refuses it, and says so in the journal
			if fmt.Sprintf("%+v", w.snapshot.Desired) != before || w.writes != writes && !asked {
				t.Fatalf("%s: something was written", what)
			}
		}
	}
}

// harmless tells whether a word means something at its place after all.
func harmless(line, word string) bool {
	switch {
	case strings.HasPrefix(line, "status --prefix"), strings.HasPrefix(line, "acl"): // a fake has no prefix; acl is asked below
		return true
	case word == "." || word == "..": // a folder
		return strings.HasPrefix(line, "apply --yes ?") || strings.HasPrefix(line, "validate") || strings.HasPrefix(line, "fmt")
	case strings.HasPrefix(line, "fmt") && word == "-": // stdin
		return true
	}
	return false
}

func shownSafely(t *testing.T, what, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }); i >= 0 {
		t.Errorf("%s: a terminal may obey what is shown: %q", what, text[max(0, i-60):min(len(text), i+60)])
	}
}

// evil is what a node, or whoever may write a key, puts into every text that there is.
const evil = "x\x1b[2J\x1b]0;owned\a\r\u009b1mY\u202eZ\n\x00orch: done"

// spoil puts a text into every field that is one.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				spoil(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Type().Elem().Kind() == reflect.String && !v.IsNil() {
			v.SetMapIndex(reflect.ValueOf(evil).Convert(v.Type().Key()), reflect.ValueOf(evil).Convert(v.Type().Elem()))
		}
	case reflect.String:
		v.SetString(v.String() + evil)
	}
}

// What lies in Consul is shown, and not obeyed: neither what a node says of itself, nor what somebody
// put into the leader's documents.
func TestHostileDocumentsOnScreens(t *testing.T) {
	for _, width := range []int{0, 80, 120} {
		for _, room := range []string{"statuses", "orders", "record", "desired", "leader", "freezes", "requests", "journal", "problems"} {
			w := applied(t)
			w.bad["web-2"] = true
			w.run("transition", "web", "on", "--yes", "--reason", "for show")
			w.run("hold", "web", "web-3", "--reason", "disk")
			w.hurt(room)
			w.width, w.height = width, 24*min(width, 1)
			for _, line := range []string{"status", "status web", "why web", "why web web-2", "history web", "show web", "graph web", "graph web --format dot", "graph web --format mermaid",
				"plan web version 7", "fsck web", "status web -o json", "why web -o json", "history web -o json", "history web " + w.recordID()} {
				w.run(strings.Fields(line)...)
				shownSafely(t, fmt.Sprintf("%s in %s, %d columns", line, room, width), w.out.String()+w.err.String())
			}
		}
	}
}

func (w *world) recordID() string {
	for _, e := range w.journal {
		if !strings.Contains(e.Transition, evil) && e.Transition != "" {
			return e.Transition
		}
	}
	return "none"
}

// hurt spoils one kind of documents.
func (w *world) hurt(room string) {
	s := &w.snapshot
	for i := range s.Nodes {
		n := &s.Nodes[i]
		switch room {
		case "statuses":
			n.Status.Value.Meta = map[string]string{"rack": "r1"}
			n.Status.Value.Run.Tail = []string{"a line"}
			n.Status.Value.Disabled = &states.Word{By: "ada"}
			n.Status.Value.Drained = []string{"web"}
			spoil(reflect.ValueOf(&n.Status.Value).Elem())
		case "orders":
			spoil(reflect.ValueOf(&n.Order.Value).Elem())
		case "problems":
			n.Status.Problem = "it is " + evil
		}
	}
	switch room {
	case "record":
		s.Record.Value.Why, s.Record.Value.Status = "why", states.Paused
		spoil(reflect.ValueOf(&s.Record.Value).Elem())
		s.Record.Value.Status = states.Paused
	case "desired":
		spoil(reflect.ValueOf(&s.Desired.Value).Elem())
	case "leader":
		s.Led, s.Leader = true, doc(states.Leader{Schema: 1, Who: "bob", Since: at("02:59:00"), Epoch: 3, For: "q-1"})
		spoil(reflect.ValueOf(&s.Leader.Value).Elem())
	case "freezes":
		s.Freeze = doc(states.Freeze{Schema: 1, Word: states.Word{By: "bob", Why: "why", At: at("02:59:00")}})
		spoil(reflect.ValueOf(&s.Freeze.Value).Elem())
		s.Frozen = s.Freeze
	case "requests":
		r := states.Request{ID: "q-1", Kind: states.AskPause, By: "bob", Why: "why", At: at("02:59:00"), Expires: at("03:59:00")}
		spoil(reflect.ValueOf(&r).Elem())
		s.Requests = []states.Doc[states.Request]{doc(r)}
	case "journal":
		for i := range w.journal {
			spoil(reflect.ValueOf(&w.journal[i]).Elem())
		}
	case "problems":
		s.Record.Problem, s.Definition.Problem, s.Freeze.Problem, s.Freeze.Index = "it is "+evil, "it is "+evil, "it is "+evil, 7
	}
}

// The environment and files are doors too: each mistake is named with the variable or the file, and
// with what to do, before anything is asked of Consul, or as soon as it does not answer.
func TestHostileEnvironment(t *testing.T) {
	dir := t.TempDir()
	path := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		must(t, os.Chmod(path, mode))
		return path
	}
	link, pipe := filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.Symlink(path("open", "s3cret", 0o644), link))
	for name, test := range map[string]struct {
		variable, value, says string
	}{
		"prefix above":        {"ORCH_PREFIX", "../orch", "prefix"},
		"prefix with NUL":     {"ORCH_PREFIX", "or\x01ch", "prefix"},
		"prefix like another": {"ORCH_PREFIX", "оrch", "prefix"},
		"prefix encoded":      {"ORCH_PREFIX", "orch%2f", "prefix"},
		"prefix of slashes":   {"ORCH_PREFIX", "///", "prefix"},
		"address: nothing":    {"CONSUL_HTTP_ADDR", "http://", "CONSUL_HTTP_ADDR"},
		"address: no port":    {"CONSUL_HTTP_ADDR", "127.0.0.1:99999", "CONSUL_HTTP_ADDR"},
		"address: a word":     {"CONSUL_HTTP_ADDR", "http://[", "CONSUL_HTTP_ADDR"},
		"address: no scheme":  {"CONSUL_HTTP_ADDR", "ftp://127.0.0.1:1", "CONSUL_HTTP_ADDR"},
		"address: a terminal": {"CONSUL_HTTP_ADDR", "127.0.0.1:1\x1b[2J", "CONSUL_HTTP_ADDR"},
		"address: a socket":   {"CONSUL_HTTP_ADDR", "unix://" + dir + "/none", "CONSUL_HTTP_ADDR"},
		"address: closed":     {"CONSUL_HTTP_ADDR", "127.0.0.1:1", "CONSUL_HTTP_ADDR"},
		"token file: none":    {"CONSUL_HTTP_TOKEN_FILE", dir + "/none", "none"},
		"token file: open":    {"CONSUL_HTTP_TOKEN_FILE", path("others", "s3cret", 0o644), "chmod"},
		"token file: link":    {"CONSUL_HTTP_TOKEN_FILE", link, "chmod"},
		"token file: folder":  {"CONSUL_HTTP_TOKEN_FILE", dir, "plain file"},
		"token file: device":  {"CONSUL_HTTP_TOKEN_FILE", "/dev/zero", "plain file"},
		"token file: pipe":    {"CONSUL_HTTP_TOKEN_FILE", pipe, "plain file"},
		"token file: empty":   {"CONSUL_HTTP_TOKEN_FILE", path("empty", "", 0o600), "empty"},
		"token file: lines":   {"CONSUL_HTTP_TOKEN_FILE", path("lines", "one\ntwo\n", 0o600), "lines"},
		"token file: huge":    {"CONSUL_HTTP_TOKEN_FILE", path("huge", strings.Repeat("x", 100_000), 0o600), "huge"},
		"token: a header":     {"CONSUL_HTTP_TOKEN", "x\r\nX-Evil: 1", ""},
		"certificates: none":  {"CONSUL_CACERT", dir + "/none", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
			t.Setenv(test.variable, test.value)
			var out, err bytes.Buffer
			a := realApp()
			a.out, a.err, a.screen = &out, &err, screen{size: func() (int, int) { return 0, 0 }, hurry: &hurry{}}
			begun := time.Now()
			code := run(a, []string{"status"})
			if said := err.String(); code != exitError && code != exitUsage || !strings.Contains(said, test.says) || strings.Contains(said, "s3cret") || time.Since(begun) > 30*time.Second {
				t.Errorf("after %s: exit code %d: %s", time.Since(begun), code, said)
			}
			shownSafely(t, name, out.String()+err.String())
		})
	}
}

// What a verb reads again, and what lies in a folder, is a plain file: nobody waits for the other end of
// a pipe, nor for the end of a device. A definition that is named may come out of one.
func TestPipesAndDevices(t *testing.T) {
	dir := t.TempDir()
	pipe, huge := filepath.Join(dir, "pipe.hcl"), filepath.Join(t.TempDir(), "huge")
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.WriteFile(huge, nil, 0o600))
	must(t, os.Truncate(huge, 1<<40))
	w := applied(t)
	for line, says := range map[string]string{
		"transition --yes --plan " + pipe: "plain file", "transition --yes --plan /dev/zero": "plain file", "transition --yes --plan " + dir: "plain file",
		"transition --yes --plan " + huge: "16 are the most", "fmt " + pipe: "plain file", "fmt /dev/zero": "plain file", "fmt " + huge: "16 are the most",
		"transition web on --yes --sign-key " + pipe: "plain file", "validate " + dir: "plain file", "apply --yes " + dir: "plain file", "validate /dev/zero": "Too much to read",
	} {
		before := w.writes
		if code := w.run(strings.Fields(line)...); code == exitDone || !strings.Contains(w.err.String(), says) || w.writes != before {
			t.Errorf("orch %s: exit code %d: %s", line, code, w.err.String())
		}
	}
	go func() { _ = os.WriteFile(pipe, []byte(webFile), 0o600) }() // as <(make-it)
	if code := w.run("validate", pipe); code != exitDone {
		t.Errorf("a definition out of a pipe: exit code %d: %s", code, w.err.String())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
