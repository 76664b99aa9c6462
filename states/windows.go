package states

import (
	"slices"
	"time"
)

// Windows are the windows of a cluster. Without one that allows, it is always open but for those
// that deny; those that allow are alternatives, and one that denies beats them all.
type Windows []Window

// Hours is what windows say of an instant.
type Hours struct {
	Open  bool
	Until time.Time // it closes, or opens, then; zero: never, as far as anybody looked
	Since time.Time // it is closed since then; zero: for ever, as far as anybody looked
	By    Window    // that closed it: one that came to its end, or one that denies and began
	Bars  []Window  // what keeps it closed: each one that denies, and one of those that allow
}

// seen is a window with its timetable; without one it cannot be read, and fails closed.
type seen struct {
	Window
	timetable
	unread bool
}

// split sorts windows into those that allow and those that deny.
func (ws Windows) split() (allow, deny []seen) {
	for _, w := range ws {
		table, err := w.timetable()
		one := seen{Window: w, timetable: table, unread: err != nil}
		if w.Deny {
			deny = append(deny, one)
		} else {
			allow = append(allow, one)
		}
	}
	return allow, deny
}

// Without gives the windows that still bind where some are overridden. Those that allow are
// alternatives: being outside of one of them does not matter any more, so none of them binds.
func (ws Windows) Without(overridden func(name string) bool) Windows {
	free := slices.ContainsFunc(ws, func(w Window) bool { return !w.Deny && overridden(w.Name) })
	return slices.DeleteFunc(slices.Clone(ws), func(w Window) bool {
		return overridden(w.Name) || free && !w.Deny
	})
}

// rounds bounds how often windows that take turns are looked through.
const rounds = 100

// At tells whether moves may be made at an instant, and until when that holds.
func (ws Windows) At(now time.Time) Hours {
	if len(ws) == 0 {
		return Hours{Open: true}
	}
	allow, deny := ws.split()
	if open(allow, deny, now) {
		return Hours{Open: true, Until: closes(allow, deny, now)}
	}
	hours := Hours{Until: opens(allow, deny, now)}
	hours.Since, hours.By = shut(allow, deny, now)
	for _, d := range deny {
		if d.openAt(now) {
			hours.Bars = append(hours.Bars, d.Window)
		}
	}
	if !anyOpen(allow, now) && len(allow) > 0 {
		hours.Bars = append(hours.Bars, soonest(allow, hours.Until))
	}
	if hours.By.Name == "" { // it was never open
		hours.By = hours.Bars[0]
	}
	return hours
}

func (w seen) openAt(t time.Time) bool {
	if w.unread {
		return w.Deny
	}
	_, open := w.open(t)
	return open
}

func anyOpen(windows []seen, t time.Time) bool {
	return slices.ContainsFunc(windows, func(w seen) bool { return w.openAt(t) })
}

func open(allow, deny []seen, t time.Time) bool {
	return (len(allow) == 0 || anyOpen(allow, t)) && !anyOpen(deny, t)
}

// closes gives when what is open closes.
func closes(allow, deny []seen, now time.Time) time.Time {
	var end time.Time
	if len(allow) > 0 {
		end = now
		for range rounds {
			later := latestEnd(allow, end)
			if !later.After(end) {
				break
			}
			end = later
		}
	}
	for _, d := range deny {
		if start, ok := d.next(now); ok && (end.IsZero() || start.Before(end)) {
			end = start
		}
	}
	return end
}

// latestEnd gives the last end among the windows that are open at an instant; zero: none is.
func latestEnd(windows []seen, t time.Time) (end time.Time) {
	for _, w := range windows {
		if w.unread {
			continue
		}
		if until, open := w.open(t); open && until.After(end) {
			end = until
		}
	}
	return end
}

// opens gives when what is closed opens; zero: never.
func opens(allow, deny []seen, t time.Time) time.Time {
	for range rounds {
		switch {
		case slices.ContainsFunc(deny, func(d seen) bool { return d.unread }):
			return time.Time{}
		case anyOpen(deny, t):
			t = latestEnd(deny, t)
		case len(allow) > 0 && !anyOpen(allow, t):
			start := firstStart(allow, t)
			if start.IsZero() {
				return start
			}
			t = start
		default:
			return t
		}
	}
	return time.Time{}
}

func firstStart(windows []seen, t time.Time) (first time.Time) {
	for _, w := range windows {
		if w.unread {
			continue
		}
		if start, ok := w.next(t); ok && (first.IsZero() || start.Before(first)) {
			first = start
		}
	}
	return first
}

// shut gives when it closed, and by which window: it looks back to the last instant that was open.
func shut(allow, deny []seen, t time.Time) (time.Time, Window) {
	for range rounds {
		before := t.Add(-1)
		if open(allow, deny, before) {
			return t, shutter(allow, deny, t)
		}
		if i := slices.IndexFunc(deny, func(d seen) bool { return d.openAt(before) }); i < 0 {
			t, _ = lastEnd(allow, before)
		} else if t = (time.Time{}); !deny[i].unread {
			t = deny[i].since(before)
		}
		if t.IsZero() {
			break
		}
	}
	return time.Time{}, Window{}
}

// shutter gives the window that made an instant the first one that is closed: one that denies beats
// one that ends.
func shutter(allow, deny []seen, t time.Time) Window {
	for _, d := range deny {
		if d.openAt(t) {
			return d.Window
		}
	}
	_, by := lastEnd(allow, t)
	return by
}

// lastEnd gives the window that closed last, where none is open at an instant.
func lastEnd(windows []seen, t time.Time) (last time.Time, by Window) {
	for _, w := range windows {
		if w.unread {
			continue
		}
		if end, ok := w.closed(t); ok && end.After(last) {
			last, by = end, w.Window
		}
	}
	return last, by
}

// soonest gives the window that is open when it opens again, or else the first one.
func soonest(allow []seen, until time.Time) Window {
	for _, w := range allow {
		if !until.IsZero() && w.openAt(until) {
			return w.Window
		}
	}
	return allow[0].Window
}
