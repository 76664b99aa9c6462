package states_test

import (
	"testing"
	"time"

	"orch/states"
)

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		at, err = time.Parse("2006-01-02 15:04", text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func window(schedule, length, zone string) states.Window {
	d, err := time.ParseDuration(length)
	if err != nil {
		panic(err)
	}
	return states.Window{Name: "w", Schedule: schedule, Duration: states.Duration(d), TimeZone: zone, OnClose: states.FinishBatch}
}

func named(name string, deny bool, w states.Window) states.Window {
	w.Name, w.Deny = name, deny
	return w
}

// All instants are in UTC. A change of "" is never.
func TestOneWindow(t *testing.T) {
	const paris, newYork = "Europe/Paris", "America/New_York"
	for _, c := range []struct {
		name     string
		schedule string
		length   string
		zone     string
		now      string
		open     bool
		until    string
		since    string // where it is closed
	}{
		{"open", "0 22 * * *", "2h", "UTC", "2026-11-23 22:30", true, "2026-11-24 00:00", ""},
		{"its first instant is in", "0 22 * * *", "2h", "UTC", "2026-11-23 22:00", true, "2026-11-24 00:00", ""},
		{"its end is out", "0 22 * * *", "2h", "UTC", "2026-11-24 00:00", false, "2026-11-24 22:00", "2026-11-24 00:00"},
		{"over midnight", "0 22 * * 1-5", "6h", "UTC", "2026-11-28 03:59:59", true, "2026-11-28 04:00", ""}, // a friday's
		{"over the weekend", "0 22 * * 1-5", "6h", "UTC", "2026-11-28 04:00", false, "2026-11-30 22:00", "2026-11-28 04:00"},
		{"over the end of a year", "0 23 31 12 *", "2h", "UTC", "2027-01-01 00:30", true, "2027-01-01 01:00", ""},
		{"before it in a month without one", "0 9 31 * *", "1h", "UTC", "2026-02-10 12:00", false, "2026-03-31 09:00", "2026-01-31 10:00"},
		{"a leap day", "0 0 29 2 *", "24h", "UTC", "2026-06-01 00:00", false, "2028-02-29 00:00", "2024-03-01 00:00"},
		{"a leap day that is eight years away", "0 0 29 2 *", "24h", "UTC", "2096-03-01 00:00", false, "2104-02-29 00:00", "2096-03-01 00:00"},
		{"never", "0 0 30 2 *", "1h", "UTC", "2026-06-01 00:00", false, "", ""},
		{"either of both days: the day of the month", "0 0 13 * fri", "1h", "UTC", "2026-10-13 00:10", true, "2026-10-13 01:00", ""},
		{"either of both days: the day of the week", "0 0 13 * fri", "1h", "UTC", "2026-10-16 00:10", true, "2026-10-16 01:00", ""},
		{"a step over all days does not restrict", "0 0 */2 * mon", "1h", "UTC", "2026-11-24 12:00", false, "2026-12-07 00:00", "2026-11-23 01:00"},
		{"lists, ranges and steps", "5,35 8-18/5 * jan-mar,nov mon-wed", "10m", "UTC", "2026-11-24 13:40", true, "2026-11-24 13:45", ""},
		{"sunday is 7 as well", "0 0 * * 7", "1h", "UTC", "2026-11-27 00:00", false, "2026-11-29 00:00", "2026-11-22 01:00"},
		{"times that meet are one", "0 */6 * * 1", "6h", "UTC", "2026-11-23 05:00", true, "2026-11-24 00:00", ""},
		{"times that overlap are one", "0 9,10 * * *", "90m", "UTC", "2026-11-23 10:15", true, "2026-11-23 11:30", ""},
		{"longer than a month", "0 0 1 11 *", "960h", "UTC", "2026-12-05 00:00", true, "2026-12-11 00:00", ""},

		{"in its zone, in summer", "0 9 * * *", "7h", paris, "2026-07-01 07:00", true, "2026-07-01 14:00", ""},
		{"in its zone, in winter", "0 9 * * *", "7h", paris, "2026-12-01 07:00", false, "2026-12-01 08:00", "2026-11-30 15:00"},
		{"west of the day", "0 22 * * 0", "2h", newYork, "2026-11-30 03:30", true, "2026-11-30 05:00", ""},

		// Paris goes from 02:00 to 03:00 on 29 March 2026 at 01:00 UTC.
		{"a start in the gap comes at its end", "30 2 * * *", "1h", paris, "2026-03-29 01:00", true, "2026-03-29 02:00", ""},
		{"and not before", "30 2 * * *", "1h", paris, "2026-03-29 00:59:59", false, "2026-03-29 01:00", "2026-03-28 02:30"},
		{"several starts in the gap are one", "*/20 2 * * *", "10m", paris, "2026-03-29 01:10", false, "2026-03-30 00:00", "2026-03-29 01:10"},
		{"a length is a length, over the gap", "0 1 * * *", "3h", paris, "2026-03-29 02:30", true, "2026-03-29 03:00", ""},
		// It goes from 03:00 back to 02:00 on 25 October 2026 at 01:00 UTC.
		{"what comes twice happens the first time", "30 2 * * *", "20m", paris, "2026-10-25 00:35", true, "2026-10-25 00:50", ""},
		{"and not the second time", "30 2 * * *", "20m", paris, "2026-10-25 01:35", false, "2026-10-26 01:30", "2026-10-25 00:50"},
		{"the last start is found from the second hour", "50 2 * * *", "30m", paris, "2026-10-25 01:10", true, "2026-10-25 01:20", ""},
		{"a length is a length, over the hour that comes twice", "0 1 * * *", "3h", paris, "2026-10-25 01:59", true, "2026-10-25 02:00", ""},

		// New York goes from 02:00 to 03:00 on 8 March 2026 at 07:00 UTC, and back on 1 November at 06:00 UTC.
		{"a gap elsewhere", "15 2 * * *", "1h", newYork, "2026-03-08 06:59", false, "2026-03-08 07:00", "2026-03-07 08:15"},
		{"after a gap elsewhere", "15 2 * * *", "1h", newYork, "2026-03-08 07:30", true, "2026-03-08 08:00", ""},
		{"twice elsewhere, the first", "30 1 * * *", "30m", newYork, "2026-11-01 05:45", true, "2026-11-01 06:00", ""},
		{"twice elsewhere, the second", "30 1 * * *", "30m", newYork, "2026-11-01 06:45", false, "2026-11-02 06:30", "2026-11-01 06:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hours := states.Windows{window(c.schedule, c.length, c.zone)}.At(instant(t, c.now))
			if hours.Open != c.open || !same(t, hours.Until, c.until) || !same(t, hours.Since, c.since) {
				t.Fatalf("open %v until %s since %s; want %v, %q, %q", hours.Open, hours.Until.UTC(), hours.Since.UTC(), c.open, c.until, c.since)
			}
		})
	}
}

func same(t *testing.T, got time.Time, want string) bool {
	t.Helper()
	return want == "" && got.IsZero() || want != "" && got.Equal(instant(t, want))
}

func TestWindowsTogether(t *testing.T) {
	days := named("days", false, window("0 9 * * 1-5", "8h", "UTC"))
	nights := named("nights", false, window("0 22 * * *", "6h", "UTC"))
	sale := named("sale", true, window("0 0 24 11 *", "96h", "UTC"))
	lunch := named("lunch", true, window("0 12 * * *", "1h", "UTC"))
	always := named("always", true, window("* * * * *", "5m", "UTC"))
	unread := func(deny bool) states.Window { return named("unread", deny, window("soon", "1h", "UTC")) }
	for _, c := range []struct {
		name    string
		windows states.Windows
		now     string
		open    bool
		until   string
		since   string
		by      string
		bars    int
	}{
		{"none is always open", nil, "2026-11-23 12:00", true, "", "", "", 0},
		{"only denies: open until one begins", states.Windows{sale}, "2026-11-20 12:00", true, "2026-11-24 00:00", "", "", 0},
		{"alternatives: the first", states.Windows{days, nights}, "2026-11-23 10:00", true, "2026-11-23 17:00", "", "", 0},
		{"alternatives: the second", states.Windows{days, nights}, "2026-11-23 23:00", true, "2026-11-24 04:00", "", "", 0},
		{"alternatives: neither", states.Windows{days, nights}, "2026-11-23 18:00", false, "2026-11-23 22:00", "2026-11-23 17:00", "days", 1},
		{"deny beats allow", states.Windows{days, sale}, "2026-11-24 10:00", false, "2026-11-30 09:00", "2026-11-23 17:00", "days", 1},
		{"deny begins within allow", states.Windows{days, lunch}, "2026-11-23 12:30", false, "2026-11-23 13:00", "2026-11-23 12:00", "lunch", 1},
		{"allow closes where deny begins", states.Windows{days, lunch}, "2026-11-23 11:30", true, "2026-11-23 12:00", "", "", 0},
		{"denied and outside", states.Windows{days, sale}, "2026-11-25 20:00", false, "2026-11-30 09:00", "2026-11-23 17:00", "days", 2},
		{"denied for ever", states.Windows{days, always}, "2026-11-23 10:00", false, "", "", "always", 1},
		{"a window that denies and cannot be read", states.Windows{days, unread(true)}, "2026-11-23 10:00", false, "", "", "unread", 1},
		{"a window that allows and cannot be read", states.Windows{unread(false)}, "2026-11-23 10:00", false, "", "", "unread", 1},
		{"beside one that can", states.Windows{unread(false), days}, "2026-11-23 18:00", false, "2026-11-24 09:00", "2026-11-23 17:00", "days", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			hours := c.windows.At(instant(t, c.now))
			if hours.Open != c.open || !same(t, hours.Until, c.until) || !same(t, hours.Since, c.since) || hours.By.Name != c.by || len(hours.Bars) != c.bars {
				t.Fatalf("%+v", hours)
			}
			if took := time.Since(began); took > 10*time.Second { // a fraction of one, but not where everything is slow
				t.Fatalf("it took %s", took)
			}
		})
	}
}

func TestWindowsWithout(t *testing.T) {
	days := named("days", false, window("0 9 * * 1-5", "8h", "UTC"))
	nights := named("nights", false, window("0 22 * * *", "6h", "UTC"))
	sale := named("sale", true, window("0 0 24 11 *", "96h", "UTC"))
	all := states.Windows{days, nights, sale}
	for said, left := range map[string]int{"days": 1, "nights": 1, "sale": 2, "another": 3} {
		if got := all.Without(func(name string) bool { return name == said }); len(got) != left {
			t.Errorf("without %s: %d are left, want %d", said, len(got), left)
		}
	}
	if len(all) != 3 {
		t.Error("the list itself was changed")
	}
}

func TestWhyClosed(t *testing.T) {
	office := named("office-hours", false, window("0 9 * * 1-4", "7h", "Europe/Paris"))
	sale := named("sale", true, window("0 0 24 11 *", "96h", "UTC"))
	never := named("never", false, window("0 0 30 2 *", "1h", "UTC"))
	for _, c := range []struct {
		windows   states.Windows
		now       string
		why       string
		overrides string
	}{
		{states.Windows{office}, "2026-11-23 03:08",
			`window "office-hours" is closed since Thu 19 Nov 16:00 Europe/Paris; opens 09:00 Europe/Paris (08:00 UTC), in 4h52m`, "--override window=office-hours"},
		{states.Windows{sale}, "2026-11-24 00:00",
			`window "sale" denies it since 00:00 UTC; opens Sat 28 Nov 00:00 UTC, in 4d`, "--override window=sale"},
		{states.Windows{office, sale}, "2026-11-25 20:59:57",
			`window "sale" denies it, and window "office-hours" is closed; no move since Mon 23 Nov 16:00 Europe/Paris; opens Mon 30 Nov 09:00 Europe/Paris (Mon 30 Nov 08:00 UTC), in 4d11h`,
			"--override window=sale --override window=office-hours"},
		{states.Windows{never}, "2026-11-25 21:00", `window "never" is closed; it never opens, as far as anybody can see`, "--override window=never"},
		{states.Windows{office}, "2026-11-23 07:59:57",
			`window "office-hours" is closed since Thu 19 Nov 16:00 Europe/Paris; opens 09:00 Europe/Paris (08:00 UTC), in 3s`, "--override window=office-hours"},
	} {
		now := instant(t, c.now)
		hours := c.windows.At(now)
		if got := hours.Why(now); got != c.why {
			t.Errorf("why:\n %s\nwant:\n %s", got, c.why)
		}
		if got := hours.Overrides(); got != c.overrides {
			t.Errorf("overrides %q, want %q", got, c.overrides)
		}
	}
}
