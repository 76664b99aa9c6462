package states_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// FuzzWarrant reads warrants as an agent does. Whatever lies there, nothing panics; and what passes is
// signed, to the last field that anything is decided by: no other warrant has its signature.
func FuzzWarrant(f *testing.F) {
	genuine := warrant(f, ciKey, nil)
	text, err := json.Marshal(genuine)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema": 1}`))
	f.Add([]byte(strings.Replace(string(text), "web", "db", 1)))
	f.Add([]byte(strings.Replace(string(text), `"42"`, `"66"`, 1)))
	f.Add([]byte(strings.Replace(string(text), `"enter"`, `"return"`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		var w states.Warrant
		if json.Unmarshal(text, &w) != nil || w.Validate() != nil {
			return
		}
		if reflect.DeepEqual(w.Key, genuine.Key) && !alike(w, genuine) {
			t.Errorf("forged: %+v", w)
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatalf("cannot be carried: %v", err)
		}
		var carried states.Warrant
		if json.Unmarshal(again, &carried) != nil || carried.Validate() != nil || !alike(w, carried) {
			t.Errorf("did not survive to be carried: %+v", carried)
		}
	})
}

// alike compares all but how a time is spelled.
func alike(a, b states.Warrant) bool {
	for _, w := range []*states.Warrant{&a, &b} {
		w.Signed, w.NotAfter = w.Signed.UTC(), w.NotAfter.UTC()
		if len(w.Enter) == 0 {
			w.Enter = nil
		}
		if len(w.Return) == 0 {
			w.Return = nil
		}
	}
	return reflect.DeepEqual(a, b)
}

// TestWarrantText: no two warrants are one text. Every field is moved a little; each makes another.
func TestWarrantText(t *testing.T) {
	texts := map[string]string{}
	for name, change := range map[string]func(*states.Warrant){
		"as it is":    func(*states.Warrant) {},
		"tree":        func(w *states.Warrant) { w.Tree = "dc2" },
		"cluster":     func(w *states.Warrant) { w.Cluster = "we" },
		"request":     func(w *states.Warrant) { w.Request = "bq-2" },
		"generation":  func(w *states.Warrant) { w.Generation = 41 },
		"most":        func(w *states.Warrant) { w.MaxGeneration = 1005 },
		"epochs":      func(w *states.Warrant) { w.MaxEpoch = 101 },
		"signed":      func(w *states.Warrant) { w.Signed = w.Signed.Add(time.Second) },
		"not after":   func(w *states.Warrant) { w.NotAfter = w.NotAfter.Add(time.Second) },
		"state":       func(w *states.Warrant) { w.Enter[0].Name = "versio" },
		"argument":    func(w *states.Warrant) { w.Enter[0].Argument = "421" },
		"attributes":  func(w *states.Warrant) { w.Enter[0].Attributes = "" },
		"serving":     func(w *states.Warrant) { w.Enter[0].Serving = false },
		"two entered": func(w *states.Warrant) { w.Enter, w.Return = append(w.Enter, w.Return...), nil },
		"none":        func(w *states.Warrant) { w.Enter, w.Return = nil, append(w.Enter, w.Return...) },
		"the order":   func(w *states.Warrant) { w.Enter, w.Return = w.Return, w.Enter },
	} {
		w := warrant(t, ciKey, change)
		if other, there := texts[string(w.Signature)]; there {
			t.Errorf("%q and %q have one signature", name, other)
		}
		texts[string(w.Signature)] = name
	}
	if again := warrant(t, ciKey, nil); texts[string(again.Signature)] != "as it is" {
		t.Error("signing twice gives two signatures")
	}
}

// TestPermitted: attributes that differ are told apart by more than the short digest, whatever is in them.
func TestPermitted(t *testing.T) {
	seen := map[string]bool{}
	for _, attributes := range []map[string]string{{"a": "b"}, {"a": "b", "c": "d"}, {"a": "1:b,", "c": "d"}, {"a": "b,1:c,1:d"}, {"ab": ""}, {"": "ab"}} {
		digest := states.Permitted(states.State{Name: "version", Attributes: attributes}).Attributes
		if len(digest) != 64 || seen[digest] {
			t.Errorf("%v: %q", attributes, digest)
		}
		seen[digest] = true
	}
	if states.Permitted(v42).Attributes != "" {
		t.Error("none have a digest")
	}
}
