package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clock writes a time as everywhere in orch: UTC, and the day where it is not today.
func clock(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case now.Sub(t).Abs() > 20*time.Hour:
		return t.UTC().Format("2006-01-02 15:04Z")
	}
	return t.UTC().Format("15:04:05Z")
}

// ago writes how long something took or is past, in at most two units: 48s, 1m02s, 3h05m, 2d4h.
func ago(d time.Duration) string {
	d = max(d.Round(time.Second), 0)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h >= 24:
		return fmt.Sprintf("%dd%dh", h/24, h%24)
	case h > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	}
	return fmt.Sprintf("%ds", s)
}

// number reads a number, or gives 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// few writes names, and of many only some.
func few(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, " ")
	}
	return strings.Join(names[:most], " ") + fmt.Sprintf(" and %d more", len(names)-most)
}

// first gives the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// seconds is a duration as JSON has it.
func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
