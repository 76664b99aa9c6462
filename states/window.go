package states

import (
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // a window must mean the same on every machine that reads it
)

// What becomes of a move whose window closes.
const (
	FinishBatch  = "finish_batch" // the batch ends, the next waits
	FinishMove   = "finish"       // it goes on to its end
	PauseOnClose = "pause"        // it stands still at once
)

// timetable is a window's schedule, ready to be asked.
type timetable struct {
	cron   Cron
	zone   *time.Location
	length time.Duration
}

// timetable reads the schedule and the time zone. Both were checked when the definition was.
func (w Window) timetable() (timetable, error) {
	cron, err := ParseCron(w.Schedule)
	if err != nil {
		return timetable{}, fmt.Errorf("read the schedule of window %q: %w", w.Name, err)
	}
	zone, err := Zone(w.TimeZone)
	if err != nil {
		return timetable{}, fmt.Errorf("read the time zone of window %q: %w", w.Name, err)
	}
	return timetable{cron: cron, zone: zone, length: w.Duration.D()}, nil
}

var zones sync.Map // by name: a zone is read once

// Zone finds a time zone by its name, as in "Europe/Paris"; none is UTC. What a machine calls its
// local time is no zone: it differs from one to the next.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == "Local" {
		return nil, fmt.Errorf("find time zone %q: it is another one on every machine", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("find time zone %q: %w", name, err)
	}
	zones.Store(name, zone)
	return zone, nil
}

// onWall is what a clock in the instant's zone shows, written as a time in UTC.
func onWall(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// instant is when a clock in a zone shows that. What it never shows, because it is put forward, is
// the moment at which it is; what it shows twice is the first time.
func instant(wall time.Time, zone *time.Location) time.Time {
	year, month, day := wall.Date()
	t := time.Date(year, month, day, wall.Hour(), wall.Minute(), 0, 0, zone)
	from, to := t.ZoneBounds()
	switch shown := onWall(t); {
	case shown.After(wall):
		return from
	case shown.Before(wall):
		return to
	case from.IsZero():
		return t
	}
	_, before := from.Add(-1).Zone()
	if earlier := time.Unix(wall.Unix()-int64(before), 0).In(zone); earlier.Before(from) {
		return earlier
	}
	return t
}

// next gives the first start after an instant.
func (s timetable) next(t time.Time) (time.Time, bool) {
	wall := onWall(t.In(s.zone)).Add(time.Minute)
	for {
		found, ok := s.cron.next(wall)
		if !ok {
			return time.Time{}, false
		}
		if start := instant(found, s.zone); start.After(t) {
			return start, true
		}
		wall = found.Add(time.Minute) // an hour that comes twice has had its starts
	}
}

// last gives the last start at or before an instant.
func (s timetable) last(t time.Time) (time.Time, bool) {
	local := t.In(s.zone)
	wall := onWall(local)
	if from, _ := local.ZoneBounds(); !from.IsZero() { // the clock may have been put back just now
		if before := onWall(from.Add(-1)); before.After(wall) {
			wall = before
		}
	}
	for {
		found, ok := s.cron.last(wall)
		if !ok {
			return time.Time{}, false
		}
		if start := instant(found, s.zone); !start.After(t) {
			return start, true
		}
		wall = found.Add(-time.Minute)
	}
}

// patience bounds how many times of a window that meet are joined into one: who asks about one that
// is always open learns that it is for as far as anybody looked.
const patience = 500

// open tells whether it is open at an instant, and until when: times that meet are one.
func (s timetable) open(t time.Time) (until time.Time, open bool) {
	start, ok := s.last(t)
	until = start.Add(s.length)
	if !ok || !until.After(t) {
		return time.Time{}, false
	}
	for range patience {
		start, _ = s.last(until)
		if !start.Add(s.length).After(until) {
			break
		}
		until = start.Add(s.length)
	}
	return until, true
}

// since tells since when it is open, where it is open at an instant.
func (s timetable) since(t time.Time) time.Time {
	since, _ := s.last(t)
	for range patience {
		start, ok := s.last(since.Add(-1))
		if !ok || start.Add(s.length).Before(since) {
			break
		}
		since = start
	}
	return since
}

// closed tells when it closed last, where it is closed at an instant.
func (s timetable) closed(t time.Time) (time.Time, bool) {
	start, ok := s.last(t)
	return start.Add(s.length), ok
}
