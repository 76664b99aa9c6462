package states

import (
	"fmt"
	"strings"
	"time"
)

// Why says in words why it is closed, since when, and when it opens, in the zone of the window and
// in UTC: `window "nights" is closed since 04:00 UTC; opens 22:00 UTC, in 4h52m`.
func (h Hours) Why(now time.Time) string {
	if h.Open {
		return ""
	}
	texts := make([]string, 0, len(h.Bars))
	for _, w := range h.Bars {
		verb := "is closed"
		if w.Deny {
			verb = "denies it"
		}
		texts = append(texts, fmt.Sprintf("window %q %s", w.Name, verb))
	}
	text := strings.Join(texts, ", and ")
	zone := h.Bars[len(h.Bars)-1].TimeZone
	switch {
	case h.Since.IsZero():
	case len(h.Bars) == 1 && h.Bars[0].Name == h.By.Name:
		text += " since " + localTime(h.Since, now, zone)
	default: // another one closed it
		text += "; no move since " + localTime(h.Since, now, zone)
	}
	if h.Until.IsZero() {
		return text + "; it never opens, as far as anybody can see"
	}
	return text + "; opens " + bothTimes(h.Until, now, zone) + ", in " + about(h.Until.Sub(now))
}

// OpenUntil says how long it stays open: "open until 06:00 UTC, for 3h10m".
func (h Hours) OpenUntil(now time.Time) string {
	if h.Until.IsZero() {
		return "open"
	}
	return "open until " + localTime(h.Until, now, "UTC") + ", for " + about(h.Until.Sub(now))
}

// Overrides spells what has to be overridden to move all the same.
func (h Hours) Overrides() string {
	texts := make([]string, 0, len(h.Bars))
	for _, w := range h.Bars {
		texts = append(texts, "--override window="+w.Name)
	}
	return strings.Join(texts, " ")
}

// localTime tells an instant by the clocks of a zone; the day only where it is another one.
func localTime(t, now time.Time, name string) string {
	zone, err := Zone(name)
	if err != nil || zone == time.UTC {
		zone, name = time.UTC, "UTC"
	}
	return spellTime(t.In(zone), now.In(zone)) + " " + name
}

func bothTimes(t, now time.Time, zone string) string {
	text, utc := localTime(t, now, zone), localTime(t, now, "UTC")
	if text == utc {
		return text
	}
	return text + " (" + utc + ")"
}

func spellTime(t, now time.Time) string {
	switch {
	case t.Year() != now.Year():
		return t.Format("Mon 2 Jan 2006 15:04")
	case t.YearDay() != now.YearDay():
		return t.Format("Mon 2 Jan 15:04")
	}
	return t.Format("15:04")
}

// about tells how long it is, no more precisely than anybody waits: 3s, 4h52m, 3d2h.
func about(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return Duration(max(d.Round(time.Second), time.Second)).String()
	case d < 2*day:
		return Duration(d.Round(time.Minute)).String()
	}
	d = d.Round(time.Hour)
	if rest := d % day; rest > 0 {
		return fmt.Sprintf("%dd%dh", d/day, rest/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}
