package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Stories are played on one processor: what becomes ready at one instant runs in one order then, and a
// seed gives the same story again. Whole tests are done by as many processes as there are processors.
var (
	part       = flag.String("sim.part", "", "i/n: this process does the i-th of n parts")
	sumFile    = flag.String("sim.sum", "", "a file for what came of this part")
	processors int
)

func TestMain(m *testing.M) {
	flag.Parse()
	processors = runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1) // sweep says why
	debug.SetMemoryLimit(2 << 30)
	os.Exit(m.Run())
}

// sweep frees memory between two stories. In the middle of one that changes the order in which things
// run, and costs more.
func sweep() {
	var memory runtime.MemStats
	if runtime.ReadMemStats(&memory); memory.HeapAlloc > 256<<20 {
		runtime.GC()
	}
}

// sum is what came of many stories.
type sum struct {
	Played int
	Lasted time.Duration
	Counts map[string]int
	Notes  int
	CPU    time.Duration
	Caught []string // safeguards, with what noticed that they were gone
}

func (s *sum) add(r Result) {
	s.plus(sum{Played: 1, Lasted: r.Lasted, Notes: len(r.History.Notes), Counts: r.Counts})
}

func (s *sum) plus(other sum) {
	s.Played, s.Lasted, s.Notes, s.CPU = s.Played+other.Played, s.Lasted+other.Lasted, s.Notes+other.Notes, s.CPU+other.CPU
	s.Caught = append(s.Caught, other.Caught...)
	for what, n := range other.Counts {
		s.Counts[what] += n
	}
}

// spread does a test: all of it where it is short, and else in parts, each in a process of its own. do
// is told which part is its: each takes what mine says of its number.
func spread(t *testing.T, do func(all *sum, mine func(n int) bool)) *sum {
	all := &sum{Counts: map[string]int{}}
	if *whole && *part == "" && processors > 1 {
		var parts sync.WaitGroup
		sums := make([]sum, processors)
		for i := range sums {
			parts.Go(func() { sums[i] = apart(t, i) })
		}
		parts.Wait()
		for _, one := range sums {
			all.plus(one)
		}
		return all
	}
	i, n := 0, 1
	if _, err := fmt.Sscanf(*part, "%d/%d", &i, &n); *part != "" && (err != nil || n < 1) {
		t.Fatalf("-sim.part %q is not like 0/2", *part)
	}
	used := cpu()
	do(all, func(at int) bool { return at%n == i })
	all.CPU = cpu() - used
	if text, err := json.Marshal(all); *sumFile != "" && (err != nil || os.WriteFile(*sumFile, text, 0o600) != nil) {
		t.Errorf("what came of part %s could not be told", *part)
	}
	return all
}

// apart does one part of a test in a process of its own, and gives what came of it.
func apart(t *testing.T, i int) (one sum) {
	file := filepath.Join(t.TempDir(), "sum")
	args := append(os.Args[1:len(os.Args):len(os.Args)], "-test.run=^"+t.Name()+"$", "-test.testlogfile=", "-test.v=false",
		fmt.Sprintf("-sim.part=%d/%d", i, processors), "-sim.sum="+file)
	play := exec.Command(os.Args[0], args...)
	play.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1") // nothing else is to run in between
	output, err := play.CombinedOutput()
	if err != nil {
		t.Errorf("part %d of %d: %v\n%s", i, processors, err, output)
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &one)
	}
	if err != nil {
		t.Errorf("part %d of %d: what came of it: %v", i, processors, err)
	}
	return one
}

// cpu is the time that this process has had.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Round(time.Millisecond)
}
