package hclfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states/hclfile"
	"orch/states/skiptest"
)

func parseLeader(t testing.TB, name string) (hclfile.LeaderConfig, hclfile.Diagnostics) {
	t.Helper()
	return hclfile.ParseLeader(hclfile.Source{Name: name, Text: readFile(t, name)})
}

func TestParseLeader(t *testing.T) {
	got, diags := parseLeader(t, "testdata/leader/valid/orch.hcl")
	if len(diags) > 0 {
		t.Fatalf("%s", diags)
	}
	want := hclfile.LeaderConfig{Gates: map[string][]string{
		"replication-lag": {"/usr/local/sbin/lag", "--max", "5"},
		"smoke":           {"/usr/local/sbin/smoke", "", "${literal}"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, diags = parseLeader(t, "testdata/leader/valid/empty.hcl"); len(diags) > 0 || got.Gates != nil {
		t.Errorf("%v\n%s", got, diags)
	}
}

func TestInvalidLeader(t *testing.T) {
	for _, name := range walk(t, "testdata/leader/invalid/*.hcl") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			config, diags := parseLeader(t, name)
			compare(t, expected(t, name), diags)
			if config.Gates != nil {
				t.Errorf("something of it can be used: %v", config)
			}
		})
	}
}

// What is run is taken from no file that somebody else could have written.
func TestLoadLeaderTrustsNobodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: files of others cannot be made")
	}
	for name, test := range map[string]struct {
		spoil func(dir, file string) error // what is wrong with it
		want  string                       // in the mistake; empty: it is read
	}{
		"as it should be":       {nil, ""},
		"readable by everybody": {func(_, file string) error { return os.Chmod(file, 0o644) }, ""},
		"writable by its group": {func(_, file string) error { return os.Chmod(file, 0o664) }, "others may write to it, its mode is -rw-rw-r--"},
		"writable by everybody": {func(_, file string) error { return os.Chmod(file, 0o606) }, "others may write to it"},
		"of somebody else":      {func(_, file string) error { return os.Chown(file, 4711, 0) }, "it belongs to user 4711"},
		"in an open folder":     {func(dir, _ string) error { return os.Chmod(dir, 0o777) }, "others may write to it, its mode is drwxrwxrwx"},
		"in a sticky folder":    {func(dir, _ string) error { return os.Chmod(dir, 0o777|os.ModeSticky) }, ""},
		"in another's folder":   {func(dir, _ string) error { return os.Chown(dir, 4711, 0) }, "it belongs to user 4711"},
		"missing":               {func(_, file string) error { return os.Remove(file) }, "no such file"},
		"too large": {func(_, file string) error {
			return os.WriteFile(file, []byte(strings.Repeat("# much\n", 200_000)), 0o600)
		}, "larger than 1024 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 && strings.Contains(test.want, "4711") {
				skiptest.Denied(t, "only root can give files away")
			}
			dir, link := t.TempDir(), t.TempDir()
			file := filepath.Join(dir, "orch.hcl")
			must(t, os.Chmod(dir, 0o755))
			must(t, os.WriteFile(file, []byte(`gate "lag" { command = ["/bin/true"] }`), 0o600))
			must(t, os.Symlink(file, filepath.Join(link, "orch.hcl")))
			if test.spoil != nil {
				must(t, test.spoil(dir, file))
			}
			for _, path := range []string{file, filepath.Join(link, "orch.hcl")} {
				config, diags := hclfile.LoadLeader(path)
				if test.want == "" && (len(diags) > 0 || len(config.Gates) != 1) {
					t.Errorf("%s: %v\n%s", path, config, diags)
				}
				if test.want != "" && (len(diags) != 1 || diags[0].Summary != "Not to be trusted" || !strings.Contains(diags.String(), test.want)) {
					t.Errorf("%s: it does not say %q:\n%s", path, test.want, diags)
				}
			}
		})
	}
	if _, diags := hclfile.LoadLeader(t.TempDir()); len(diags) != 1 {
		t.Errorf("a folder: %s", diags)
	}
	if _, diags := hclfile.LoadLeader(os.DevNull); len(diags) != 1 {
		t.Errorf("a device: %s", diags)
	}
}

// A link can be put elsewhere by whoever may write to its folder.
func TestLoadLeaderBehindALink(t *testing.T) {
	dir, open := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "orch.hcl"), nil, 0o600))
	must(t, os.Symlink(filepath.Join(dir, "orch.hcl"), filepath.Join(open, "orch.hcl")))
	must(t, os.Chmod(open, 0o777))
	if _, diags := hclfile.LoadLeader(filepath.Join(open, "orch.hcl")); len(diags) != 1 || !strings.Contains(diags.String(), "others may write to it") {
		t.Errorf("%s", diags)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever is in a file: no panic, every mistake inside the file, and no command but of whole words
// that begins with a path.
func FuzzLeader(f *testing.F) {
	names, _ := filepath.Glob("testdata/leader/*/*.hcl")
	for _, name := range names {
		f.Add(string(readFile(f, name)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		config, diags := hclfile.ParseLeader(hclfile.Source{Name: "fuzz.hcl", Text: []byte(text)})
		if !hclfile.Inside(diags, len(text)) {
			t.Errorf("a mistake outside of the file:\n%s", diags)
		}
		shown(t, diags)
		for name, command := range config.Gates {
			if len(diags) > 0 || len(command) == 0 || !filepath.IsAbs(command[0]) {
				t.Errorf("gate %q runs %q in spite of %s", name, command, diags)
			}
		}
	})
}
