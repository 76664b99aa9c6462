package hclfile

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"

	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

var (
	trustGrammar = grammar(nil, header("key", "name"))
	keyGrammar   = grammar(words("public", "states"))
)

// maxKeys keeps the trust small enough to be shown in a status.
const maxKeys = 16

// trust reads the keys that an agent obeys. An empty trust would obey nobody, and was not meant.
func (a *agentReader) trust(b body) states.Trust {
	block := a.one(b, "trust")
	if block == nil {
		return nil
	}
	inner := a.open(block, trustGrammar)
	var trust states.Trust
	for _, block := range inner.all("key") {
		key := a.key(block)
		for _, other := range trust {
			if other.Name == key.Name || bytes.Equal(other.Public, key.Public) {
				a.add(block.DefRange, "Duplicate key", "%q is there already, by its name or by what is public of it.", other.Name)
			}
		}
		trust = append(trust, key)
	}
	switch {
	case len(trust) == 0:
		a.add(inner.head, "No key", "Write key \"ci\" { public = \"…\", states = [\"version\"] }, as orch sign keygen prints it; without a trust block the agent obeys unsigned states.")
	case len(trust) > maxKeys:
		a.add(inner.head, "Too many keys", "A node trusts %d keys at most.", maxKeys)
	}
	return trust
}

func (a *agentReader) key(block *hcl.Block) states.TrustedKey {
	b, key := a.open(block, keyGrammar), states.TrustedKey{Name: block.Labels[0]}
	if !states.ValidID(key.Name) {
		a.add(block.LabelRanges[0], "Bad name", "A key's name is small letters, digits and hyphens, 64 at most.")
	}
	a.need(b, "public", "states")
	set(a.reader, b, "public", &key.Public, a.publicKey)
	set(a.reader, b, "states", &key.States, a.signable)
	return key
}

// publicKey reads the public half of an Ed25519 key, in base64.
func (a *agentReader) publicKey(name string, e hcl.Expression) ([]byte, bool) {
	text, ok := a.filledText(name, e)
	if !ok {
		return nil, false
	}
	public, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(public) != ed25519.PublicKeySize {
		a.add(e.Range(), "Not a public key", "It is what orch sign keygen prints, or orch sign public FILE: 44 characters of base64.")
		return nil, false
	}
	return public, true
}

// signable reads the states that a key may sign.
func (a *agentReader) signable(name string, e hcl.Expression) ([]string, bool) {
	texts, places := a.texts(name, e)
	for i, text := range texts {
		if text != states.AnyState && !states.ValidState(text) {
			a.add(places[i], "Not a state", "It takes names of states, without an argument, or \"*\" for all of them; not %q.", text)
			return nil, false
		}
	}
	if len(texts) == 0 {
		a.add(e.Range(), "No state", "Name the states that this key may sign, or \"*\" for all of them.")
	}
	return texts, len(texts) > 0
}
