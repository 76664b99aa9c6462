package states

import (
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as people write it ("1m30s") in JSON and in HCL.
type Duration time.Duration

// D gives the duration as the standard library wants it.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String drops the zero units that time.Duration spells out: 15m, not 15m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote; anything time.ParseDuration takes will do.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Clip cuts text to at most n runes and marks the cut, for summaries and reasons.
func Clip(text string, n int) string {
	if len(text) <= n { // nearly all are
		return text
	}
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}

// Count says how many of a thing there are: "1 node", "3 nodes".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
