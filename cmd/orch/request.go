package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"orch/states"
)

// expiry is how long a request that nobody took up still counts: longer than a lease that has to
// be waited out, and short enough that nothing moves tomorrow that was asked for today.
const expiry = time.Hour

// request makes a request against what was seen.
func (a *app) request(c *consul, v *view, kind, reason string) states.Request {
	now := a.now().UTC()
	return states.Request{
		Schema: states.Schema, ID: requestID(now), Kind: kind,
		Transition: v.record.ID, Generation: v.desire.Generation,
		By: a.operator(), Accessor: c.accessor, Why: reason, At: now, Expires: now.Add(expiry),
	}
}

// requestID makes an id that sorts by time.
func requestID(now time.Time) string {
	tail := make([]byte, 4)
	_, _ = rand.Read(tail) // never fails
	return "q-" + strings.ToLower(now.UTC().Format("20060102t150405z")) + "-" + hex.EncodeToString(tail)
}

// freshID makes an id for a Consul that has none: agents compare it, so that one that is pointed at
// the wrong datacenter notices.
func freshID() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// summarized adds the sentence for whoever looks at the key in the Consul UI.
func summarized(r states.Request) states.Request {
	what := r.Kind
	if r.Target.Name != "" {
		what += " to " + r.Target.String()
	}
	if r.Drifted {
		what += " of what drifted"
	}
	r.Summary = states.Clip(fmt.Sprintf("%s%s asks: %s%s", r.By, because(r.Why), what, nodeOf(r)), 300)
	return r
}

func nodeOf(r states.Request) string {
	if r.Node == "" {
		return ""
	}
	return " " + r.Node
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// target reads a state and its argument, as two words or as one.
func target(words []string) (states.Ref, error) {
	ref, err := states.ParseRef(strings.Join(words, " "))
	if err != nil {
		return ref, &ending{exitUsage, err}
	}
	return ref, nil
}
