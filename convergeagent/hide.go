package convergeagent

import (
	"regexp"

	"orch/convergeagent/runner"
)

// Hidden stands where a secret was.
const Hidden = runner.Hidden

var (
	secretWords = regexp.MustCompile(`(?i)token|secret`)
	credentials = regexp.MustCompile(`(?i)(\bauthorization\b\W{1,4}(?:basic|bearer) +)[^\s"',]+`)
	uuids       = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// hideSecrets takes out of a line what looks like a Consul token: a UUID where something is said of
// tokens or secrets; and what a request says to be let in. An accessor's id that goes with it is no loss: the
// log on the node has it.
func hideSecrets(line string) string {
	line = credentials.ReplaceAllString(line, "${1}"+Hidden)
	if !secretWords.MatchString(line) {
		return line
	}
	return uuids.ReplaceAllString(line, Hidden)
}

// clean makes valid UTF-8 without control characters of what some program wrote.
func clean(line string) string { return runner.Clean(line) }
