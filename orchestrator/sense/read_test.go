package sense

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/orchestrator"
	"orch/states"
)

// still is a World whose clock stands.
func still(t *testing.T, around outside) *World {
	t.Helper()
	w := world(t)
	w.Catalog, w.Keys, w.Clock = around, around, func() time.Time { return night }
	return w
}

var errHidden = fmt.Errorf("read the checks of service %q: %w", "web", states.ErrDenied)

func TestReadsOfConsul(t *testing.T) {
	w := still(t, outside{
		service: func(_ context.Context, service string) ([]states.Check, error) {
			if service == "hidden" {
				return []states.Check{{Node: "web-01"}}, errHidden
			}
			return []states.Check{{Node: "web-01", ID: service + "-1", Status: "critical", Output: "\n\x1b[31mno\x07\nmore"}}, nil
		},
		byID: func(ids []string) ([]states.Check, error) {
			return []states.Check{{Node: "web-02", ID: ids[0], Status: "passing", Output: strings.Repeat("x", 4096)}}, nil
		},
		elsewhere: func(cluster string) (states.Elsewhere, error) {
			if cluster == "cache" {
				return states.Elsewhere{There: true}, errors.New(`read where cluster "cache" is: permission denied`)
			}
			return states.Elsewhere{There: true, Index: 7, Reason: "moving\x00"}, nil
		},
		tagged: func(service, tag string) ([]string, error) { return []string{service + tag}, nil },
	})
	ask := about(1)
	ask.Checks = []states.Gate{{Name: "web", Service: "web"}, {Name: "disk", Checks: []string{"disk"}}, {Name: "hidden", Service: "hidden"}}
	ask.Elsewhere = []string{"db", "cache"}
	ask.Primary = &states.Primary{Service: "db", Tag: "primary"}
	want := states.Evidence{
		Gates: map[string]states.Reading{},
		Checks: map[string]states.Checks{
			"web":    {Checks: []states.Check{{Node: "web-01", ID: "web-1", Status: "critical", Output: "no"}}, At: night},
			"disk":   {Checks: []states.Check{{Node: "web-02", ID: "disk", Status: "passing", Output: strings.Repeat("x", 117) + "…"}}, At: night},
			"hidden": {Problem: `read the checks of service "web": permission denied`, At: night},
		},
		Elsewhere: map[string]states.Elsewhere{
			"db":    {There: true, Index: 7, Reason: "moving", At: night},
			"cache": {Problem: `read where cluster "cache" is: permission denied`, At: night},
		},
		Primary: states.Primaries{Nodes: []string{"dbprimary"}, At: night},
	}
	if diff := cmp.Diff(want, w.Sense(t.Context(), ask, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestPrimaryByLock(t *testing.T) {
	for name, test := range map[string]struct {
		holder string
		err    error
		want   states.Primaries
	}{
		"held":   {"db-01", nil, states.Primaries{Nodes: []string{"db-01"}, At: night}},
		"free":   {"", nil, states.Primaries{At: night}},
		"hidden": {"", errHidden, states.Primaries{Problem: errHidden.Error(), At: night}},
	} {
		w := still(t, outside{holder: func(lock string) (string, error) {
			if lock != "service/db/leader" {
				t.Errorf("lock %q was read", lock)
			}
			return test.holder, test.err
		}})
		ask := about(1)
		ask.Primary = &states.Primary{Lock: "service/db/leader"}
		if diff := cmp.Diff(test.want, w.Sense(t.Context(), ask, nil).Primary); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := still(t, outside{}).Sense(t.Context(), about(1), nil); !got.Primary.At.IsZero() {
		t.Errorf("nobody asked: %+v", got.Primary)
	}
}

// One read that hangs costs its own time only, and holds up no other.
func TestReadsHaveADeadlineEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		defer w.Close()
		w.Catalog = outside{service: func(ctx context.Context, service string) ([]states.Check, error) {
			if service == "web" {
				return nil, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		ask, begun := about(1), time.Now()
		ask.Checks = []states.Gate{{Name: "a", Service: "slow"}, {Name: "b", Service: "slower"}, {Name: "c", Service: "web"}}
		got := w.Sense(t.Context(), ask, nil).Checks
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if got["a"].Problem != "context deadline exceeded" || got["b"].Problem == "" || got["c"].Problem != "" || !got["a"].At.Equal(begun) {
			t.Errorf("%+v", got)
		}
	})
}

func TestVotes(t *testing.T) {
	voted := func(v states.Vote) states.Doc[states.Vote] { return states.Doc[states.Vote]{Index: 7, Value: v} }
	for name, test := range map[string]struct {
		doc  states.Doc[states.Vote]
		err  error
		want states.Reading
	}{
		"pass":   {voted(states.Vote{Outcome: "pass", By: "carol", Why: "looks\nwell"}), nil, states.Reading{Outcome: states.GatePass, Text: "pass by carol: looks well"}},
		"fail":   {voted(states.Vote{Outcome: "fail", By: "carol", Until: night}), nil, states.Reading{Outcome: states.GateFail, Text: "fail by carol"}},
		"over":   {voted(states.Vote{Outcome: "pass", By: "carol", Until: night.Add(-time.Second)}), nil, states.Reading{Outcome: states.GateUnknown, Text: "it ended 2026-03-01 02:14Z: pass by carol"}},
		"none":   {states.Doc[states.Vote]{}, nil, states.Reading{Outcome: states.GateUnknown, Text: `no program "qa" on this machine, and nobody has set gates/qa`}},
		"broken": {states.Doc[states.Vote]{Index: 7, Problem: "it is empty"}, nil, states.Reading{Outcome: states.GateUnknown, Text: "gates/qa cannot be used: it is empty"}},
		"denied": {states.Doc[states.Vote]{}, fmt.Errorf("read %q: %w", "orch/gates/qa", states.ErrDenied), states.Reading{Outcome: states.GateUnknown, Text: `read "orch/gates/qa": permission denied`}},
	} {
		w := still(t, outside{votes: func(string) (states.Doc[states.Vote], error) { return test.doc, test.err }})
		test.want.At = night
		got := w.Sense(t.Context(), about(1, states.Gate{Kind: states.GateCommand, Name: "qa"}), nil).Gates
		if diff := cmp.Diff(map[string]states.Reading{"qa": test.want}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Where nobody can tell which programs there are, no vote stands in for one.
func TestProgramsThatAreNotKnown(t *testing.T) {
	w := still(t, outside{})
	w.Programs = func() (map[string][]string, error) {
		return nil, errors.New(`read "/etc/orch/orch.hcl": others may write to it`)
	}
	got := w.Sense(t.Context(), about(1, states.Gate{Kind: states.GateCommand, Name: "qa"}, states.Gate{Kind: "oracle", Name: "luck"}), nil).Gates
	want := map[string]states.Reading{
		"qa":   {Outcome: states.GateUnknown, Text: `its program is not known: read "/etc/orch/orch.hcl": others may write to it`, At: night},
		"luck": {Outcome: states.GateUnknown, Text: `nothing here asks a gate of kind "oracle"`, At: night},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The way through all of it: a program of this machine, asked in the background and again for the
// next batch.
func TestProgramOfThisMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "asked")
	w := still(t, outside{})
	w.Every = 10 * time.Millisecond
	w.Programs = func() (map[string][]string, error) {
		return map[string][]string{"lag": {"/bin/sh", "-c", `echo "$ORCH_BATCH" >>"$0"; echo "batch $ORCH_BATCH"`, file}}, nil
	}
	gate, news := lagGate(time.Minute), make(chan struct{}, 1)
	answer := func(ask orchestrator.Ask) states.Reading {
		for {
			if reading, there := w.Sense(t.Context(), ask, news).Gates["lag"]; there {
				return reading
			}
			select {
			case <-news:
			case <-time.After(20 * time.Second):
				t.Fatal("it never answered")
			}
		}
	}
	for batch := 1; batch <= 2; batch++ {
		if got := answer(about(batch, gate)); (got != states.Reading{Outcome: states.GatePass, Text: fmt.Sprint("batch ", batch), At: night}) {
			t.Errorf("%+v", got)
		}
	}
	eventually(t, "another question", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Count(string(text), "2\n") > 1
	})
}
