package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
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
			eventually(t, "mallory to be quicker than the leader", patience, func() bool {
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
			if name != "its session is destroyed" && name != "somebody else takes it" {
				everything(t)
			}
			move := f.orchStart("transition", "web", "version", to)
			eventually(t, "the first run", patience, func() bool { return len(f.to("version "+to)) > 0 || !move.running() })
			before := f.epoch()
			fault(t)
			if code := f.wait(move, patience); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, move.text())
			}
			if now := f.epoch(); now <= before && name != "somebody writes over it" { // that takes it from nobody
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

// epoch is that of whoever led last.
func (f *field) epoch() int {
	var leader struct{ Epoch int }
	_ = json.Unmarshal([]byte(f.consul.get("clusters/web/leader")), &leader)
	return leader.Epoch
}

// Renewals that take long. One is made up for by the next; when none comes through in time, whoever leads
// stops by itself, and leads again under another epoch once it can.
func TestFaultsOfRenewals(t *testing.T) {
	everything(t)
	f := newField(t)
	w := newWire(t, f.consul.addr)
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=1")
	lead := func(version string) *process {
		f.env = []string{"CONSUL_HTTP_ADDR=" + w.addr}
		defer func() { f.env = nil }()
		return f.orchStart("transition", "web", "version", version)
	}
	ends := func(t *testing.T, move *process, version string) {
		if code := f.wait(move, patience); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, move.text())
		}
		f.settledAt("version "+version, 3)
		f.atMost(1, f.to("version "+version))
		f.once(f.runs())
		f.clean()
	}
	t.Run("one takes nine tenths of the lease", func(t *testing.T) {
		w.does(renewals(1, ttl*9/10))
		move := lead("2")
		eventually(t, "the first run", patience, func() bool { return len(f.to("version 2")) > 0 })
		before := f.epoch()
		ends(t, move, "2")
		if w.struck.Load() != 1 || f.epoch() != before {
			t.Errorf("%d renewals were late; epoch %d, and then %d:\n%s", w.struck.Load(), before, f.epoch(), move.text())
		}
	})
	t.Run("each takes longer than the lease", func(t *testing.T) {
		move := lead("3")
		eventually(t, "the first run", patience, func() bool { return len(f.to("version 3")) > 0 })
		before := f.epoch()
		w.does(renewals(1000, ttl*11/10))
		eventually(t, "whoever leads to stop", patience, func() bool { return strings.Contains(move.text(), "the lease is gone") })
		w.does(nil)
		ends(t, move, "3")
		if f.epoch() <= before {
			t.Errorf("it led on under epoch %d", before)
		}
	})
}

// renewals delays some, of sessions.
func renewals(some int64, by time.Duration) fault {
	var delayed atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if !strings.HasPrefix(r.URL.Path, "/v1/session/renew/") || delayed.Add(1) > some {
			return false
		}
		return delays(by)(w, r, next)
	}
}
