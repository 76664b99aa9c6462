package main

import (
	"time"
)

// parseUntil reads when something ends: a duration from now, a time of day, which is the next one
// in UTC, a day and time in UTC, or RFC 3339. Nothing at all is no end.
func parseUntil(text string, now time.Time) (time.Time, error) {
	now = now.UTC()
	if text == "" {
		return time.Time{}, nil
	}
	end, err := readUntil(text, now)
	switch {
	case err != nil:
		return end, usagef("read --until %q: it is a duration as 2h, a time of day as 06:00, a day and time as \"2026-11-22 06:00\", all UTC, or RFC 3339", text)
	case !end.After(now):
		return end, usagef("read --until %q: that is %s, and it is %s already", text, end.UTC().Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return end.UTC(), nil
}

func readUntil(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02 15:04Z", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return t, err
	}
	next := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	return next, nil
}
