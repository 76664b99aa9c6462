package orchestrator

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// FuzzPlanFile: a plan that somebody edited is refused, or read as it is written; comparing it with what
// there is now ends.
func FuzzPlanFile(f *testing.F) {
	w := born(f, tier(), 3)
	request := states.Request{ID: "q-1", Kind: states.AskTransition, Target: states.Ref{Name: "converged"}, Transition: w.record().ID,
		Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}
	now := NewPlanFile(w.snapshot, request, Foresee(w.snapshot, request, w.leading, w.now), Foretold{}, w.now)
	good := string(now.Text())
	for _, text := range []string{good, good[:len(good)/2], good + good, strings.Replace(good, `"cluster"`, `"Cluster": "db", "cluster"`, 1),
		strings.Replace(good, `"schema": 1`, `"schema": 2`, 1), strings.Replace(good, "web", "../web", 1), "", "null", "[]", `{"schema":1}`, "\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ReadPlanFile(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("refused without a word")
			}
			return
		}
		again, err := ReadPlanFile(file.Text())
		if err != nil || !bytes.Equal(again.Text(), file.Text()) {
			t.Fatalf("read from %q, written as %q, and then %v", text, file.Text(), err)
		}
		if changed := file.Differences(again); len(changed) > 0 {
			t.Fatalf("it differs from itself: %q", changed)
		}
		_ = file.Differences(now)
		_ = now.Differences(file)
	})
}
