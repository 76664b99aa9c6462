package convergeagent

import (
	"fmt"
	"regexp"
	"strings"

	"orch/convergeagent/runner"
)

// Chef converges with chef-client, or what takes the same command line: cinc-client, chef-solo.
type Chef struct {
	Binary   string   // default: where its packages put chef-client
	Config   string   // its client.rb; default: chef's own
	RunList  []string // for this run and all that follow
	Override []string // for this run alone
	Args     []string // more options, before ours: where both say something, ours counts
}

// chefCodes are those of Chef's RFC 062, and what was added to it since. A reboot that is due does
// not undo the converge.
var chefCodes = map[int]meaning{
	0:   {ok: true},
	1:   {says: "chef failed; its output says why"},
	2:   {says: "chef was interrupted by somebody's SIGINT"},
	3:   {says: "chef was ended by somebody's SIGTERM"},
	35:  {ok: true, says: "chef has scheduled a reboot of this node"},
	37:  {ok: true, says: "this node needs a reboot"},
	41:  {says: "chef could not reboot this node"},
	42:  {says: "chef's audit failed; the node was converged"},
	43:  {says: "chef's own configuration is wrong"},
	172: {says: "the licence of chef was not accepted"},
	173: {says: "chef has no licence for this node"},
	174: {says: "chef has no licence set"},
	213: {says: "chef upgraded itself and ended before its work was done; the next try goes on"},
}

func (c Chef) plan(task Task, dir string) (plan, error) {
	path, err := writeFacts(dir, "attributes.json", factsOf(task))
	if err != nil {
		return plan{}, err
	}
	return plan{tool: chefTool, argv: c.argv(path, lockWait(task.Run.Timeout))}, nil
}

const chefTool = "chef"

func chefReading() runner.Reading {
	var by, change string
	return runner.Reading{
		Heard: func(line string) {
			if why := chefBlocked(line); why != "" {
				by = why
			}
			if seen := chefChange(line); seen != "" {
				change = seen
			}
		},
		Judge: func(result Result) Result {
			if ownEnd(result) && result.Exit == 1 && by != "" {
				return inTheWay(result, by)
			}
			if result = read(chefCodes, result); result.OK() {
				result.Change = change
			}
			return result
		},
	}
}

func (c Chef) argv(attributes, lockWait string) []string {
	argv := append([]string{program(c.Binary, "/opt/chef/bin/chef-client", "/usr/bin/chef-client")}, c.Args...)
	for _, setting := range [][2]string{
		{"--config", c.Config}, {"--runlist", strings.Join(c.RunList, ",")}, {"--override-runlist", strings.Join(c.Override, ",")},
	} {
		if setting[1] != "" {
			argv = append(argv, setting[0], setting[1])
		}
	}
	return append(argv, "--once", "--no-color", "--run-lock-timeout", lockWait, "--json-attributes", attributes)
}

// chef waits for its lock for ever where it is not told how long.
var chefLock = regexp.MustCompile(`Unable to acquire lock\. Waited (\S+) seconds for (\d*)`)

func chefBlocked(line string) string {
	found := chefLock.FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	return fmt.Sprintf("another run of chef, process %s, went on all the time; this one waited %ss and gave up", found[2], found[1])
}

// Its exit code does not tell whether anything was changed; its last lines do.
var chefCount = regexp.MustCompile(`(?:finished|complete), (\d+)/\d+ resources updated`)

func chefChange(line string) string {
	found := chefCount.FindStringSubmatch(line)
	switch {
	case found == nil:
		return ""
	case strings.Trim(found[1], "0") == "":
		return Unchanged
	}
	return Changed
}
