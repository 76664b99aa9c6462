package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Somebody does to the lease what Consul lets everybody do who may write the key. The leader loses it
// and takes it again, or another one does, and every entry of the journal is by one of them in turn.
func TestFaultsOfTheLease(t *testing.T) {
	f := newField(t)
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=0.4")
	lock := func() (session string) {
		_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/leader", "")
		var pairs []struct{ Session string }
		if json.Unmarshal([]byte(text), &pairs) == nil && len(pairs) == 1 {
			session = pairs[0].Session
		}
		return session
	}
	epoch := func() int {
		var leader struct{ Epoch int }
		_ = json.Unmarshal([]byte(f.consul.get("clusters/web/leader")), &leader)
		return leader.Epoch
	}
	version := 1
	for name, fault := range map[string]func(t *testing.T){
		"its session is destroyed": func(t *testing.T) {
			if code, text := f.consul.http("PUT", "/v1/session/destroy/"+lock(), ""); code != 200 {
				t.Fatalf("%d %s", code, text)
			}
		},
		"somebody writes over it": func(*testing.T) { f.consul.put("clusters/web/leader", `{"who": "me"}`) },
		"somebody deletes it":     func(*testing.T) { f.consul.delete("clusters/web/leader") },
		"somebody lets go of it": func(t *testing.T) {
			if code, text := f.consul.http("PUT", "/v1/kv/orch/clusters/web/leader?release="+lock(), "{}"); code != 200 {
				t.Fatalf("%d %s", code, text)
			}
		},
		"somebody else takes it": func(t *testing.T) {
			_, text := f.consul.http("PUT", "/v1/session/create", `{"TTL": "10s", "LockDelay": "0s"}`)
			var made struct{ ID string }
			must(t, json.Unmarshal([]byte(text), &made))
			eventually(t, "mallory to be quicker than the leader", 10*time.Second, func() bool {
				f.consul.http("PUT", "/v1/kv/orch/clusters/web/leader?release="+lock(), "{}")
				_, text := f.consul.http("PUT", "/v1/kv/orch/clusters/web/leader?acquire="+made.ID, `{"schema": 1, "who": "mallory"}`)
				return strings.TrimSpace(text) == "true"
			})
			f.consul.http("PUT", "/v1/session/destroy/"+made.ID, "")
		},
	} {
		version++
		to := itoa(version)
		t.Run(name, func(t *testing.T) {
			move := f.orchStart("transition", "web", "version", to)
			eventually(t, "the first run", 30*time.Second, func() bool { return len(f.to("version "+to)) > 0 || !move.running() })
			before := epoch()
			fault(t)
			if code := f.wait(move, 60*time.Second); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, move.text())
			}
			if now := epoch(); now <= before && name != "somebody writes over it" { // that takes it from nobody
				t.Errorf("it led on under epoch %d, and then %d:\n%s", before, now, move.text())
			}
			f.settledAt("version "+to, 3)
			f.atMost(1, f.to("version "+to))
			f.once(f.runs())
			if text := f.ok("fsck", "web"); !strings.Contains(text, "web: clean") {
				t.Errorf("fsck says:\n%s", text)
			}
		})
	}
}
