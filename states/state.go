package states

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// State is one condition a cluster or a node can be in: a name, an argument where the state takes
// one, and the attributes that were rendered for it. The zero State is "no state": a node that has
// never converged, or whose last converge did not succeed.
type State struct {
	Name       string            `json:"name"`
	Argument   string            `json:"argument,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Digest     string            `json:"digest,omitempty"` // of the attributes; empty where there are none
	Serving    bool              `json:"serving"`
}

// None tells whether this is the zero State.
func (s State) None() bool { return s.Name == "" }

// Same is the one comparison of states: name, argument and the attributes' digest.
func (s State) Same(other State) bool {
	return s.Name == other.Name && s.Argument == other.Argument && s.Digest == other.Digest
}

// In tells whether one of the states is the same as s.
func (s State) In(list []State) bool {
	for _, other := range list {
		if s.Same(other) {
			return true
		}
	}
	return false
}

// Short drops the attributes and keeps their digest, for documents that only compare.
func (s State) Short() State {
	s.Attributes = nil
	return s
}

// String spells a state as people type it: "version 42".
func (s State) String() string {
	switch {
	case s.None():
		return "no state"
	case s.Argument == "":
		return s.Name
	}
	return s.Name + " " + s.Argument
}

// Tag spells a state as one word for a Consul service tag: "version-42".
func (s State) Tag() string { return strings.ReplaceAll(s.String(), " ", "-") }

// Ref names a state without its attributes, as files and command lines do: "version 42", or
// "version" alone, which means any argument where that is asked for.
type Ref struct {
	Name     string `json:"name"`
	Argument string `json:"argument,omitempty"`
}

// ParseRef reads "version 42" or "converged".
func ParseRef(text string) (Ref, error) {
	fields := strings.Fields(text)
	switch {
	case len(fields) == 1 && ValidState(fields[0]):
		return Ref{Name: fields[0]}, nil
	case len(fields) == 2 && ValidState(fields[0]) && ValidArgument(fields[1]):
		return Ref{Name: fields[0], Argument: fields[1]}, nil
	}
	return Ref{}, fmt.Errorf("read state %q: write a state, and its argument where it takes one, like \"version 42\"", text)
}

// String spells the reference as ParseRef reads it.
func (r Ref) String() string {
	if r.Argument == "" {
		return r.Name
	}
	return r.Name + " " + r.Argument
}

// Digest identifies attributes: twelve hexadecimal digits, or nothing where there are none.
func Digest(attributes map[string]string) string {
	if len(attributes) == 0 {
		return ""
	}
	text, err := json.Marshal(attributes) // maps are written in the order of their keys
	if err != nil {
		panic(err) // a map of strings can always be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
