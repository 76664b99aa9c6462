package states

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cron is a schedule of five fields: the minutes at which something happens, by a clock on some wall.
type Cron struct {
	minutes, hours, days, months, weekdays uint64 // one bit for each number

	anyDay, anyWeekday bool // the field begins with *: the other one decides alone
}

// cronFields are the five fields of a schedule, with what each may hold.
var cronFields = []struct {
	name        string
	least, most int
	words       string // in the order of the numbers, from least on
}{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of month", 1, 31, ""},
	{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
	{"day of week", 0, 7, "sun mon tue wed thu fri sat"},
}

// ParseCron reads a schedule: numbers, names, ranges, lists and steps, as in "0 22 * * mon-fri".
func ParseCron(text string) (Cron, error) {
	parts := strings.Fields(text)
	if len(parts) != len(cronFields) {
		return Cron{}, fmt.Errorf("%q has %d fields", text, len(parts))
	}
	var sets [5]uint64
	for i, part := range parts {
		for item := range strings.SplitSeq(part, ",") {
			set, ok := cronItem(i, item)
			if !ok {
				return Cron{}, fmt.Errorf("%q is no %s", part, cronFields[i].name)
			}
			sets[i] |= set
		}
	}
	c := Cron{minutes: sets[0], hours: sets[1], days: sets[2], months: sets[3], weekdays: sets[4],
		anyDay: parts[2][0] == '*', anyWeekday: parts[4][0] == '*'}
	if has(c.weekdays, 7) { // sunday has two numbers
		c.weekdays |= 1
	}
	return c, nil
}

// cronItem reads *, 5, 1-5, and each with a step as in */15.
func cronItem(field int, item string) (set uint64, ok bool) {
	f := cronFields[field]
	span, step, stepped := strings.Cut(item, "/")
	every := 1
	if stepped {
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 {
			return 0, false
		}
		every = n
	}
	from, to := f.least, f.most
	if span != "*" {
		first, last, ranged := strings.Cut(span, "-")
		if from, ok = cronNumber(field, first); !ok || stepped && !ranged {
			return 0, false
		}
		to = from
		if ranged {
			if to, ok = cronNumber(field, last); !ok || from > to {
				return 0, false
			}
		}
	}
	for n := from; n <= to; n += every {
		set |= 1 << n
		if every > to-n { // a step may be as large as anybody likes
			break
		}
	}
	return set, true
}

func cronNumber(field int, text string) (int, bool) {
	f := cronFields[field]
	for i, word := range strings.Fields(f.words) {
		if strings.EqualFold(word, text) {
			return f.least + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.least && n <= f.most && text[0] != '+'
}

func has(set uint64, n int) bool { return set&(1<<n) != 0 }

// onDay tells whether the schedule knows a day. Where it restricts both the day of the month and the
// day of the week, either is enough, as cron has it.
func (c Cron) onDay(day, weekday int) bool {
	byDay, byWeekday := has(c.days, day), has(c.weekdays, weekday)
	if c.anyDay || c.anyWeekday {
		return byDay && byWeekday
	}
	return byDay || byWeekday
}

// horizon is how far a schedule is looked through: 29 February may be 8 years away, and, where it has
// to be a Monday as well, 40.
const horizon = 41

// next gives the first minute of the schedule at or after one. Clocks on a wall are written as times
// in UTC, where no hour is missing or comes twice.
func (c Cron) next(wall time.Time) (time.Time, bool) {
	wall = wall.Truncate(time.Minute)
	for end := wall.AddDate(horizon, 0, 0); wall.Before(end); {
		year, month, day := wall.Date()
		switch {
		case !has(c.months, int(month)):
			wall = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(day, int(wall.Weekday())):
			wall = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hours, wall.Hour()):
			wall = wall.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minutes, wall.Minute()):
			wall = wall.Add(time.Minute)
		default:
			return wall, true
		}
	}
	return time.Time{}, false
}

// last gives the last minute of the schedule at or before one.
func (c Cron) last(wall time.Time) (time.Time, bool) {
	wall = wall.Truncate(time.Minute)
	for end := wall.AddDate(-horizon, 0, 0); wall.After(end); {
		year, month, day := wall.Date()
		switch {
		case !has(c.months, int(month)):
			wall = time.Date(year, month, 1, 0, -1, 0, 0, time.UTC)
		case !c.onDay(day, int(wall.Weekday())):
			wall = time.Date(year, month, day, 0, -1, 0, 0, time.UTC)
		case !has(c.hours, wall.Hour()):
			wall = wall.Truncate(time.Hour).Add(-time.Minute)
		case !has(c.minutes, wall.Minute()):
			wall = wall.Add(-time.Minute)
		default:
			return wall, true
		}
	}
	return time.Time{}, false
}
