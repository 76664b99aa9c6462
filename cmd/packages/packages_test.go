// Package packages has what orch and convergeagent are packed with: units, configuration, the scripts
// that dpkg and rpm run, and nfpm's description of each package. build.sh packs them; tests install
// what it made in a clean Debian, under a systemd of their own.
package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"orch/states/hclfile"
	"orch/states/skiptest"
)

func TestVersions(t *testing.T) {
	for described, want := range map[string]string{
		"v1.2.3":                   "1.2.3",
		"1.2.3":                    "1.2.3",
		"v1.3.0-rc1":               "1.3.0~rc1",
		"v1.3.0-rc-1-7-gabc1234":   "1.3.0~rc.1+7.gabc1234",
		"v1.2.3-4-gabc1234":        "1.2.3+4.gabc1234",
		"v1.2.3-4-gabc1234-dirty":  "1.2.3+4.gabc1234.dirty",
		"v1.2.3-dirty":             "1.2.3+dirty",
		"c5dbad2":                  "0.0.0+19700102000000.gc5dbad2",
		"1234567-dirty":            "0.0.0+19700102000000.g1234567.dirty",
		"dev":                      "0.0.0+19700102000000.dev",
		"release/2026 'x'; rm -rf": "0.0.0+19700102000000.release.2026..x...rm..rf",
	} {
		if got := versionOf(t, described); got != want {
			t.Errorf("%s becomes %s, want %s", described, got, want)
		}
	}
}

// What git orders, dpkg and rpm order likewise.
func TestVersionsAreOrdered(t *testing.T) {
	order := []string{"c5dbad2", "v1.2.3-rc1", "v1.2.3-rc1-2-gfff1234", "v1.2.3-rc2", "v1.2.3", "v1.2.3-4-gabc1234", "v1.2.3-10-g0001234", "v1.2.4-rc1", "v1.10.0"}
	for i := range order[1:] {
		older, newer := versionOf(t, order[i]), versionOf(t, order[i+1])
		if err := exec.Command(tool(t, "dpkg"), "--compare-versions", older, "lt", newer).Run(); err != nil {
			t.Errorf("dpkg: %s is not before %s", older, newer)
		}
		out, err := exec.Command(tool(t, "rpm"), "--eval", `%{lua: print(rpm.vercmp("`+older+`", "`+newer+`"))}`).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "-1" {
			t.Errorf("rpm: %s is not before %s: %v: %s", older, newer, err, out)
		}
	}
}

func versionOf(t *testing.T, described string) string {
	t.Helper()
	out, err := exec.Command("./version.sh", described, "86400").CombinedOutput()
	if err != nil {
		t.Fatalf("version.sh %s: %v: %s", described, err, out)
	}
	return strings.TrimSpace(string(out))
}

// The two units differ in names and comments only.
func TestUnitsAgree(t *testing.T) {
	one, each := settings(t, "convergeagent/convergeagent.service"), settings(t, "convergeagent/convergeagent@.service")
	each = strings.NewReplacer("its state in cluster %i", "its cluster's state", "/etc/convergeagent/%i.hcl", "/etc/convergeagent/convergeagent.hcl", "convergeagent-%i", "convergeagent").Replace(each)
	if one != each {
		t.Errorf("convergeagent.service says\n%s\nand convergeagent@.service\n%s", one, each)
	}
}

var blank = regexp.MustCompile(`(?m)^(#.*)?\n`)

func settings(t *testing.T, file string) string {
	t.Helper()
	return blank.ReplaceAllString(read(t, file), "")
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var setting = regexp.MustCompile(`(?m)^#(\S| {2,})`)

// What a file shows behind # can be said: a setting has no space there, or two, and a comment one.
func TestExamplesLoad(t *testing.T) {
	agent := read(t, "convergeagent/convergeagent.hcl.example")
	leader := read(t, "orch/orch.hcl")
	for name, text := range map[string]string{"as it is": agent, "with every setting": setting.ReplaceAllString(agent, "$1")} {
		if _, mistakes := hclfile.ParseAgent(hclfile.Source{Name: "convergeagent.hcl.example", Text: []byte(text)}); len(mistakes) > 0 {
			t.Errorf("%s: %s", name, mistakes)
		}
	}
	if config, mistakes := hclfile.ParseLeader(hclfile.Source{Name: "orch.hcl", Text: []byte(leader)}); len(mistakes) > 0 || len(config.Gates) > 0 {
		t.Errorf("%+v, %s", config, mistakes)
	}
	if config, mistakes := hclfile.ParseLeader(hclfile.Source{Name: "orch.hcl", Text: []byte(setting.ReplaceAllString(leader, "$1"))}); len(mistakes) > 0 || len(config.Gates) != 1 {
		t.Errorf("with every setting: %+v, %s", config, mistakes)
	}
}

func TestScriptsAreShell(t *testing.T) {
	scripts, _ := filepath.Glob("convergeagent/*/*")
	if scripts = append(scripts, "build.sh", "version.sh"); len(scripts) != 8 {
		t.Errorf("there are %d scripts: %s", len(scripts), scripts)
	}
	for _, script := range scripts {
		if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", script, out)
		}
	}
}

// man shows every page as it is, and has nothing to complain of.
func TestManPagesRender(t *testing.T) {
	t.Parallel()
	man, dir := tool(t, "man"), t.TempDir()
	for _, program := range []string{"orch", "convergeagent"} {
		if out, err := exec.Command("go", "run", "../"+program, "man", dir).CombinedOutput(); err != nil {
			t.Fatalf("%s man: %v: %s", program, err, out)
		}
	}
	pages, _ := filepath.Glob(dir + "/*.[18]")
	if len(pages) < 30 {
		t.Errorf("there are %d pages", len(pages))
	}
	for _, page := range pages {
		cmd := exec.Command(man, "--warnings=w", "--encoding=UTF-8", "--local-file", page)
		cmd.Env = append(os.Environ(), "MANWIDTH=80", "MAN_KEEP_STDERR=1")
		var complaints strings.Builder
		cmd.Stderr = &complaints
		text, err := cmd.Output()
		name := strings.SplitN(filepath.Base(page), ".", 2)[0]
		if err != nil || complaints.Len() > 0 || !strings.Contains(strings.Join(strings.Fields(string(text)), " "), name+" - ") {
			t.Errorf("%s: %v: %s\n%s", page, err, &complaints, text)
		}
	}
}

// tool finds a program, or skips the test. In CI that is a failure.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	skiptest.Lacks(t, "%s is not here: make tools installs it, where it may", name)
	return ""
}
