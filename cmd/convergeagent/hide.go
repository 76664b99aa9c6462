package main

import (
	"encoding/base64"
	"regexp"
	"strings"

	"orch/convergeagent"
)

// hider takes out of a text the agent's own tokens, and what this node's file says is to stay on it.
func hider(secrets func() []string, patterns []*regexp.Regexp) func(string) string {
	return func(text string) string {
		for _, secret := range secrets() {
			text = strings.ReplaceAll(text, secret, convergeagent.Hidden)
			for _, disguise := range disguises(secret) {
				text = strings.ReplaceAll(text, disguise, convergeagent.Hidden)
			}
		}
		for _, pattern := range patterns {
			text = pattern.ReplaceAllString(text, convergeagent.Hidden)
		}
		return text
	}
}

// disguises are a secret as Base64 has it, alone or within something longer, as in Consul's answers and in
// "Authorization: Basic": what stands before it shifts it by up to two bytes. The letters at either end that
// depend on its neighbours as well are left out. One that is short would be found by chance.
func disguises(secret string) (texts []string) {
	if len(secret) < 8 {
		return nil
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			text := encoding.EncodeToString(append(make([]byte, shift), secret...))
			texts = append(texts, text[(8*shift+5)/6:8*(shift+len(secret))/6])
		}
	}
	return texts
}
