package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestACL(t *testing.T) {
	for name, args := range map[string][]string{
		"agent":        {"agent", "--cluster", "web", "--node", "web-01.eu", "--service", "web"},
		"agentprefix":  {"agent", "--cluster", "web", "--node", "web-01", "--consul-node", "here", "--prefix", "teams/red"},
		"operator":     {"operator", "--cluster", "web", "--consul-node", "bastion", "--service", "web", "--requires", "db", "--lock", "service/web/primary"},
		"operatorall":  {"operator"},
		"leader":       {"leader", "--cluster", "web", "--cluster", "db"},
		"leaderall":    {"leader"},
		"viewer":       {"viewer", "--cluster", "web"},
		"viewerall":    {"viewer"},
		"viewerprefix": {"viewer", "--prefix", "teams/red"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			text := w.must(exitDone, append([]string{"acl"}, args...)...)
			golden(t, "acl/"+name+".hcl", text)
			var policy aclJSON
			if err := json.Unmarshal([]byte(w.must(exitDone, append([]string{"acl", "-o", "json"}, args...)...)), &policy); err != nil {
				t.Fatal(err)
			}
			if policy.Rules != text || !regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`).MatchString(policy.Name) || policy.Description == "" {
				t.Errorf("as JSON it is another: %+v", policy)
			}
			seen := map[string]bool{}
			for line := range strings.Lines(text) {
				thing, _, rule := strings.Cut(line, " {")
				if rule && !strings.HasPrefix(line, "#") && seen[thing] {
					t.Errorf("there are two rules for %s", thing)
				}
				seen[thing] = true
			}
		})
	}
}

func TestACLWrongUsage(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		args string
		says string
	}{
		{"admin", `"admin"`},
		{"agent", "--cluster and --node"},
		{"agent --cluster web", "--cluster and --node"},
		{"agent --cluster web --cluster db --node n", "one node in one cluster"},
		{"agent --cluster web --node ../x", "letters, digits"},
		{"agent --cluster web --node n --lock x", "for whoever leads"},
		{"viewer --node n", "--consul-node"},
		{"viewer --cluster Web", "small letters"},
		{"leader --requires -", "small letters"},
		{`leader --service "}`, "nothing of that name"},
		{"leader --lock ${x}", "nothing of that name"},
		{"viewer --prefix a//b", "prefix"},
	} {
		says(t, w.must(exitUsage, append([]string{"acl"}, strings.Fields(row.args)...)...), row.says)
	}
	long := strings.Repeat("n.", 60) + "n"
	policy := w.must(exitDone, "acl", "agent", "--cluster", "web", "--node", long)
	name := regexp.MustCompile(`-name (\S+)`).FindStringSubmatch(policy)[1]
	if len(name) != 128 {
		t.Errorf("the policy is called %q", name)
	}
}
