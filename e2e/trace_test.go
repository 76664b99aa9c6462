package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// attacks are put where a text stands: what a shell, an option parser, a path or a terminal could obey.
var attacks = []string{"$(touch /PWNED)", "; reboot", "--exec=/bin/sh", "-c", "../../../etc/cron.d/x", "/bin/sh", "a\nb", "\x1b[2J", "%2e%2e%2f", strings.Repeat("x", 5000)}

// spoiled gives a document once for every text in it, with that one replaced.
func spoiled(document any, value string) (all []any) {
	switch d := document.(type) {
	case string:
		return []any{value}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(d)) {
			for _, inner := range spoiled(d[key], value) {
				one := maps.Clone(d)
				one[key] = inner
				all = append(all, one)
			}
		}
		one := maps.Clone(d)
		one[value] = value
		return append(all, one)
	case []any:
		for i := range d {
			for _, inner := range spoiled(d[i], value) {
				one := slices.Clone(d)
				one[i] = inner
				all = append(all, one)
			}
		}
	}
	return all
}

var (
	executes = regexp.MustCompile(`execve(?:at)?\((.*?), \[(.*)\], 0x`)
	makes    = regexp.MustCompile(`(?:openat\((.*O_CREAT.*)|mkdirat\((.*)|mkdir\((.*)|renameat2?\((.*)|rename\((.*)|symlinkat\((.*)|symlink\((.*)|linkat\((.*)|link\((.*))`)
	names    = regexp.MustCompile(`<([^<>]*)>|"((?:[^"\\]|\\.)*)"`)
)

// Whatever texts lie in Consul where an agent looks, the kernel is asked to execute its runner and what the
// node's own configuration says, with a state and an argument of their patterns, and to make files in the
// state directory and in that of the host's lock. So says a trace of it. (It sees the texts that lie there when
// it looks; convergeagent's TestHostileValues waits for each.)
func TestNothingOfConsulIsExecuted(t *testing.T) {
	strace := tool(t, "strace")
	f := newField(t)
	f.edits("the test writes what no leader does")
	f.web(`batches = [1]`)
	trace, state, host := filepath.Join(f.dir, "trace"), filepath.Join(f.dir, "agents", "web-01"), filepath.Join(f.dir, "host")
	at := *f
	at.seat = []string{strace, "-D", "-f", "-qq", "-y", "-s", "9000", "-o", trace, "-e", "trace=execve,execveat,openat,mkdir,mkdirat,rename,renameat,renameat2,symlink,symlinkat,link,linkat"}
	p := at.spawn(nil, agentBin, "--cluster", "web", "--node", "web-01", "--state-dir", state, "--lock-dir", host, "--session-ttl", ttl.String(), "--exec", "/bin/true", "${state}", "${argument}")
	f.agents["web-01"] = p
	f.alive(1)
	f.ok("transition", "web", "version", "41", "--yes")
	f.ok("hold", "web", "web-01", "--reason", "so that it has an order")
	f.ok("unhold", "web", "web-01")

	var generation float64
	whole := func(key string) (document map[string]any) {
		must(t, json.Unmarshal([]byte(f.consul.get("clusters/web/"+key)), &document))
		return document
	}
	desired, order := whole("desired"), whole("orders/web-01")
	order = map[string]any{"schema": 1, "summary": "s", "transition": desired["transition"], "generation": desired["generation"], "state": map[string]any{"name": "version", "argument": "42"},
		"instance": order["instance"], "run": "r-planted", "timeout": "5s", "again": "g-1", "void": "", "batch": 1}
	desired["again"], desired["drain"] = "g-0", []any{map[string]any{"service": "web", "wait": "1s"}}
	desired["state"] = map[string]any{"name": "version", "argument": "42", "serving": true}
	freeze := map[string]any{"schema": 1, "summary": "s", "by": "a", "why": "b", "at": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:01Z"}
	plant := func(key string, document any) {
		text, err := json.Marshal(document)
		must(t, err)
		f.consul.put(key, string(text))
	}
	generation = desired["generation"].(float64)
	planted := 0
	for _, value := range attacks {
		for _, d := range spoiled(desired, value) {
			generation++
			d.(map[string]any)["generation"] = generation
			plant("clusters/web/desired", d)
			planted++
		}
		for _, d := range spoiled(order, value) {
			d.(map[string]any)["generation"] = generation
			plant("clusters/web/orders/web-01", d)
			planted++
		}
		for _, d := range spoiled(freeze, value) {
			plant("clusters/web/freeze", d)
			planted++
		}
		eventually(t, "the agent to have looked", patience, func() bool { return p.running() && f.node("web-01").Refused != "" })
	}
	f.consul.delete("clusters/web/freeze")
	f.consul.delete("clusters/web/orders/web-01")
	delete(desired, "again")
	delete(desired, "drain")
	desired["state"], desired["generation"], desired["open"] = map[string]any{"name": "version", "argument": "43", "serving": true}, generation+1, true
	plant("clusters/web/desired", desired)
	f.traced(trace, `["/bin/true", "version", "43"]`)
	p.signal(syscall.SIGTERM)
	f.wait(p, patience)
	f.judge(trace, []string{state, host}, planted)
}

// traced waits until something was executed.
func (f *field) traced(trace, what string) {
	f.t.Helper()
	eventually(f.t, what+" to be executed", patience, func() bool {
		text, _ := os.ReadFile(trace)
		return strings.Contains(string(text), what)
	})
}

func (f *field) judge(trace string, dirs []string, planted int) {
	f.t.Helper()
	text, err := os.ReadFile(trace)
	must(f.t, err)
	ran, made := 0, 0
	converge := regexp.MustCompile(`^"/bin/true", "(off|waiting|converged|version)", "[0-9]*"$`)
	for line := range strings.Lines(string(text)) {
		if found := executes.FindStringSubmatch(line); found != nil {
			ran++
			switch args := found[2]; {
			case strings.HasPrefix(found[1], `"`+agentBin+`"`) && ran == 1:
			case strings.Contains(args, `"run", "`+dirs[0]+`/runs/`) && strings.Count(args, ", ") == 2:
			case strings.HasPrefix(found[1], `"/bin/true"`) && converge.MatchString(args):
			default:
				f.t.Errorf("it executed %s", line)
			}
			continue
		}
		if found := makes.FindStringSubmatch(line); found != nil {
			made++
			if !inside(line, dirs) {
				f.t.Errorf("it made %s", line)
			}
		}
	}
	f.t.Logf("%d values planted; %d programs executed, %d files made", planted, ran, made)
	if ran < 5 || made < 20 || planted < 200 {
		f.t.Errorf("that is too little to be shown anything: %d planted, %d executed, %d made", planted, ran, made)
	}
}

// inside tells whether all paths of a line of the trace are below some folders; a name without a folder
// is in the one that the line says before it.
func inside(line string, dirs []string) bool {
	_, arguments, _ := strings.Cut(line, "(")
	arguments, _, _ = strings.Cut(arguments, " = ") // what came of it
	folder := ""
	for _, found := range names.FindAllStringSubmatch(arguments, -1) {
		path := found[1]
		if path == "" {
			path = found[2]
			if !filepath.IsAbs(path) {
				path = folder + "/" + path
			}
		} else {
			folder = path
			continue
		}
		path = filepath.Clean(path)
		below := func(dir string) bool {
			return path == dir || strings.HasPrefix(path, dir+"/") || strings.HasPrefix(dir, path+"/")
		}
		if !slices.ContainsFunc(dirs, below) && !strings.HasPrefix(path, "/sys/fs/cgroup/") && path != os.DevNull {
			return false
		}
	}
	return true
}

// A check of the check.
func TestInside(t *testing.T) {
	for line, want := range map[string]bool{
		`7 openat(5</a/b>, "agent.json.1", O_WRONLY|O_CREAT|O_EXCL, 0600) = 9</a/b/agent.json.1>`: true,
		`7 openat(5</a/b>, "../c", O_WRONLY|O_CREAT|O_EXCL, 0600) = 9</a/c>`:                      false,
		`7 openat(AT_FDCWD</>, "/etc/x", O_WRONLY|O_CREAT, 0600) = 9</etc/x>`:                     false,
		`7 renameat(5</a/b>, "x", 5</a/b>, "y") = 0`:                                              true,
		`7 renameat(5</a/b>, "x", 6</etc>, "y") = 0`:                                              false,
	} {
		if got := inside(line, []string{"/a/b"}); got != want {
			t.Errorf("%s: %t", line, got)
		}
	}
	if got := len(spoiled(map[string]any{"a": "x", "b": []any{"y", 1.0}, "c": map[string]any{"d": "z"}}, "!")); got != 5 {
		t.Errorf("%d", got)
	}
}
