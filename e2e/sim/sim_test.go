package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seeds  = flag.Int("sim.seeds", 20, "how many stories")
	from   = flag.Uint64("sim.from", 1, "the first seed")
	brief  = flag.Bool("sim.brief", false, "only the first busy time of each story")
	only   = flag.String("sim.only", "", "take only this safeguard out")
	budget = flag.Int("sim.budget", 40, "stories for each safeguard")
	print  = flag.Int("sim.print", 0, "print the last so many notes of each story")
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(800) // histories are many small things, and short-lived
	os.Exit(m.Run())
}

// cpu is the time that this process has had.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Round(time.Millisecond)
}

func TestSim(t *testing.T) {
	began := time.Now()
	var lasted time.Duration
	for seed := *from; seed < *from+uint64(*seeds); seed++ {
		one := time.Now()
		var result Result
		story := Tell(seed)
		if *brief {
			story = story.first()
		}
		synctest.Test(t, func(t *testing.T) { result = play(story, Alteration{}) })
		lasted += result.Lasted
		result.Violations = Examine(&result.History)
		for _, v := range result.Violations[:min(len(result.Violations), 3)] {
			t.Errorf("seed %d: %s", seed, v)
		}
		if testing.Verbose() {
			fmt.Println(seed, time.Since(one).Round(time.Millisecond), result.Lasted.Round(time.Second), len(result.History.Notes), len(result.Violations))
		}
		if *print > 0 {
			t.Log("\n" + result.History.Print(*print))
		}
	}
	t.Logf("%d stories, %s simulated, %s, %s of cpu", *seeds, lasted, time.Since(began), cpu())
}

// TestSafeguards takes each safeguard out, and wants to see that.
func TestSafeguards(t *testing.T) {
	for _, a := range Safeguards() {
		if *only != "" && *only != a.Name {
			continue
		}
		began := time.Now()
		caught := uint64(0)
		for seed := *from; seed < *from+uint64(*budget) && caught == 0; seed++ {
			var result Result
			synctest.Test(t, func(t *testing.T) { result = play(Tell(seed).first(), a) })
			if v := Examine(&result.History); len(v) > 0 {
				caught = seed
				fmt.Printf("%-40s seed %3d  %s (%s)\n", a.Name, seed, clip(v[0].String(), 150), time.Since(began).Round(time.Millisecond))
				if *print > 0 {
					t.Log("\n" + result.History.Print(*print))
				}
			}
		}
		if caught == 0 {
			t.Errorf("%s: nothing notices within %d stories that this is lost: %s (%s)", a.Name, *budget, a.Loses, time.Since(began))
		}
	}
}

func clip(text string, n int) string {
	if len(text) > n {
		return text[:n] + "…"
	}
	return text
}
