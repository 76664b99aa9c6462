package sim

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seeds = flag.Int("sim.seeds", 20, "how many stories")
	from  = flag.Uint64("sim.from", 1, "the first seed")
	print = flag.Int("sim.print", 0, "print the last so many notes of each story")
)

func TestSim(t *testing.T) {
	began := time.Now()
	var lasted time.Duration
	for seed := *from; seed < *from+uint64(*seeds); seed++ {
		one := time.Now()
		var result Result
		synctest.Test(t, func(t *testing.T) { result = play(Tell(seed), Alteration{}) })
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
	t.Logf("%d stories, %s simulated, %s", *seeds, lasted, time.Since(began))
}
