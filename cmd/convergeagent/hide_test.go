package main

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"orch/convergeagent"
)

// An agent's own token is told to nobody, nor what Base64 makes of it, whatever stands around it there.
func TestHider(t *testing.T) {
	const token, odd = "6f1b5e9a-0000-4000-8000-000000000001", "\xfb\xff\xbf?>~old-token"
	hide := hider(func() []string { return []string{token, odd, "short"} }, []*regexp.Regexp{regexp.MustCompile(`password=\S+`)})
	for _, secret := range []string{token, odd} {
		for before := range 4 {
			for after := range 4 {
				for name, encoding := range map[string]*base64.Encoding{"std": base64.StdEncoding, "raw": base64.RawStdEncoding, "url": base64.URLEncoding, "raw url": base64.RawURLEncoding} {
					plain := strings.Repeat("u", before) + secret + strings.Repeat("\n", after)
					text := "Authorization: Basic " + encoding.EncodeToString([]byte(plain)) + " end"
					got := hide(text)
					if left := strings.Index(got, convergeagent.Hidden); left < 0 || len(got) > len("Authorization: Basic  end")+len(convergeagent.Hidden)+12 || !strings.HasSuffix(got, " end") {
						t.Errorf("%s of %q becomes %q", name, plain, got)
					}
				}
			}
		}
	}
	for text, want := range map[string]string{
		"it is " + token:        "it is " + convergeagent.Hidden,
		"password=hunter2 here": convergeagent.Hidden + " here",
		"short, or c2hvcnQ":     convergeagent.Hidden + ", or c2hvcnQ",
		"nothing to hide":       "nothing to hide",
	} {
		if got := hide(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
