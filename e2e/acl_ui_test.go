//go:build ui

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A viewer sees a key in the Consul UI. Consul 1.22.7 shows Save and Delete there to everybody, whatever
// a token may do, so what counts is that nothing comes of them: the UI says that it was refused, and
// the key is as it was. An operator's Save goes through, which shows that it was the token.
func TestConsulUIForRoles(t *testing.T) {
	c := newCast(t)
	c.born("batches = [1]")
	before := c.everything()
	const page, saved, refused = "/ui/dc1/kv/orch/clusters/web/desired/edit", "has been saved", "There was an error"
	viewer := c.pageAs("viewer", page, "summary", "Save")
	if !strings.Contains(viewer, refused) || strings.Contains(viewer, saved) || !strings.Contains(viewer, "converged is wanted") {
		t.Error("a viewer's Save was not refused, or the key cannot be seen; see bin/ui-viewer.png")
	}
	if after := c.everything(); after != before {
		t.Errorf("a viewer changed something:\n%s\nbefore\n%s", after, before)
	}
	if operator := c.pageAs("operator", page, "summary", "Save"); !strings.Contains(operator, saved) || strings.Contains(operator, refused) {
		t.Error("an operator's Save did not go through; see bin/ui-operator.png")
	}
}

// pageAs opens a page of the UI as somebody who is logged in, and presses a button.
func (c *cast) pageAs(role, path, until, button string) string {
	c.t.Helper()
	picture, err := filepath.Abs("../bin/ui-" + role + ".png")
	must(c.t, err)
	cmd := exec.Command(c.browser(), "http://"+c.consul.addr+path, until, picture)
	cmd.Env = append(os.Environ(), "UI_TOKEN="+c.secret[role], "UI_PRESS="+button)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%v: %s (Debian: apt-get install chromium)", err, out)
	}
	return string(out)
}
