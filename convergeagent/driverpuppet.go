package convergeagent

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"orch/convergeagent/runner"
)

// Puppet converges with puppet apply, or with puppet agent and the server that it knows.
type Puppet struct {
	Binary      string   // default: where its packages put it
	Manifest    string   // for puppet apply; a file or a folder
	Agent       bool     // puppet agent instead
	Environment string   // default: puppet's own
	ModulePath  []string // default: the environment's
	VarDir      string   // default: puppet's own
	Args        []string // more options, before ours: where both say something, ours counts
}

// puppetCodes are those of --detailed-exitcodes. Without it puppet ends with 0 whatever failed.
var puppetCodes = map[int]meaning{
	0: {ok: true, change: Unchanged},
	2: {ok: true, change: Changed},
	1: {says: "puppet made no run, or no catalog could be had; its output says why"},
	4: {says: "resources failed, and nothing was changed"},
	6: {says: "resources failed, and others were changed"},
}

// puppetFact is read by puppet with the facts of its own. Neither a folder of external facts nor
// --pluginfactdest does for both of its ways: puppet agent empties that folder to make it what the
// server has. The weight puts it before any other fact of that name.
const puppetFact = `# Written by convergeagent for one run. All values are in the file beside this one.
require 'json'
Facter.add(:orch) do
  has_weight 1_000_000
  setcode { JSON.parse(File.read(File.join(__dir__, 'facts.json'), encoding: 'UTF-8'))['orch'] }
end
`

func (p Puppet) plan(task Task, dir string) (plan, error) {
	if strings.Contains(dir, ":") {
		return plan{}, fmt.Errorf("hand the facts to puppet in %s: FACTERLIB cannot name a folder with a colon; choose another state_dir", dir)
	}
	if _, err := writeFacts(dir, "facts.json", factsOf(task)); err != nil {
		return plan{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "orch.rb"), []byte(puppetFact), 0o600); err != nil {
		return plan{}, err
	}
	return plan{tool: puppetTool, argv: p.argv(lockWait(task.Run.Timeout)), env: []string{"FACTERLIB=" + dir}, blocked: p.disabled()}, nil
}

const puppetTool = "puppet"

func puppetReading() runner.Reading {
	var by string
	return runner.Reading{
		Heard: func(line string) {
			if why := puppetBlocked(line); why != "" {
				by = why
			}
		},
		Judge: func(result Result) Result {
			if ownEnd(result) && result.Exit == 1 && by != "" {
				return inTheWay(result, by)
			}
			return read(puppetCodes, result)
		},
	}
}

func (p Puppet) argv(lockWait string) []string {
	argv := []string{program(p.Binary, "/opt/puppetlabs/bin/puppet", "/usr/bin/puppet"), "apply"}
	if p.Agent {
		argv[1] = "agent"
	}
	argv = append(argv, p.Args...)
	for _, setting := range [][2]string{
		{"--environment", p.Environment}, {"--modulepath", strings.Join(p.ModulePath, ":")}, {"--vardir", p.VarDir},
	} {
		if setting[1] != "" {
			argv = append(argv, setting[0], setting[1])
		}
	}
	if p.Agent { // a catalog from the cache was compiled for another state, and would look like success
		argv = append(argv, "--onetime", "--no-daemonize", "--no-splay", "--no-usecacheonfailure", "--no-use_cached_catalog",
			"--waitforcert", "0", "--waitforlock", "1", "--maxwaitforlock", lockWait)
	}
	argv = append(argv, "--logdest", "console", "--color=false", "--no-noop", "--detailed-exitcodes")
	if !p.Agent {
		argv = append(argv, p.Manifest)
	}
	return argv
}

// disabled tells who keeps puppet from running by hand. puppet apply does not ask for that itself,
// and whoever wrote puppet agent --disable means this node.
func (p Puppet) disabled() string {
	dirs := []string{p.VarDir}
	if p.VarDir == "" {
		dirs = []string{"/opt/puppetlabs/puppet/cache", "/var/cache/puppet", "/var/lib/puppet"}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "state", "agent_disabled.lock")
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		var lock struct {
			Message string `json:"disabled_message"`
		}
		_ = json.Unmarshal(readNote(path), &lock) // without a message it is disabled all the same
		return fmt.Sprintf("puppet was disabled by hand on %s, saying %q; puppet agent --enable takes that back",
			info.ModTime().UTC().Format("2006-01-02 15:04 MST"), lock.Message)
	}
	return ""
}

// readNote reads a short file of somebody else's. What is none, as a pipe that nobody writes into, has no text.
func readNote(path string) []byte {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(file, maxNote))
	return text
}

var puppetDisabled = regexp.MustCompile(`administratively disabled \(Reason: '(.*?)'\)`)

// puppetBlocked tells whether a line of puppet's says that it makes no run for somebody else's sake.
func puppetBlocked(line string) string {
	if found := puppetDisabled.FindStringSubmatch(line); found != nil {
		return fmt.Sprintf("puppet was disabled by hand, saying %q; puppet agent --enable takes that back", found[1])
	}
	if strings.Contains(line, "maxwaitforlock timeout has been exceeded") || strings.Contains(line, "already in progress; skipping") {
		return "another run of puppet went on all the time; this one waited and gave up"
	}
	return ""
}
