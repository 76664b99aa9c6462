package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What an agent costs that has nothing to do: little memory, no CPU to speak of, and no more in flight than
// two long polls, and one short call at a time of its session and one of its row in the catalog. Measured
// after its first run, and printed.
func TestIdleAgent(t *testing.T) {
	f := newField(t)
	f.web("")
	to, err := url.Parse("http://" + f.consul.addr)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // polls that end with the agent
	c := &counter{next: proxy}
	between := httptest.NewServer(c)
	t.Cleanup(between.Close)
	f.agent("web-01", "--http-addr", strings.TrimPrefix(between.URL, "http://"), "--session-ttl", "10s")
	f.alive(1)
	f.ok("transition", "web", "waiting")
	pid := f.agents["web-01"].cmd.Process.Pid
	c.begin()
	before, began := cpuTicks(t, pid), time.Now()
	time.Sleep(8 * time.Second) // what is measured is that nothing happens
	took := time.Since(began).Seconds()
	polls, short, all := c.seen()
	cpu := float64(cpuTicks(t, pid)-before) / 100 / took * 100
	now, peak := statusKiB(t, pid, "VmRSS"), statusKiB(t, pid, "VmHWM")
	line := fmt.Sprintf("idle agent, its session renewed every 3.3s: %d KiB resident (%d at most so far; %d its own, the rest is its program), %.2f %% of a CPU, in flight at most %d long polls and %d short calls, %.1f calls a second",
		now, peak, statusKiB(t, pid, "RssAnon"), cpu, polls, short, float64(all)/took)
	fmt.Println(line)
	if raceFlag == nil && (now >= 16<<10 || cpu > 5) {
		t.Errorf("it is not small: %s", line)
	}
	if polls > 2 || short > 2 {
		t.Errorf("in flight are too many: %s", line)
	}
}

// counter is a proxy that counts what is in flight.
type counter struct {
	next http.Handler

	mu                   sync.Mutex
	polls, short         int // now
	mostPolls, mostShort int
	calls                int
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := &c.short
	if r.URL.Query().Get("index") != "" && r.URL.Query().Get("index") != "0" {
		kind = &c.polls
	}
	c.mu.Lock()
	*kind++
	c.calls++
	c.mostPolls, c.mostShort = max(c.mostPolls, c.polls), max(c.mostShort, c.short)
	c.mu.Unlock()
	c.next.ServeHTTP(w, r)
	c.mu.Lock()
	*kind--
	c.mu.Unlock()
}

// begin forgets what was in flight at most.
func (c *counter) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mostPolls, c.mostShort, c.calls = c.polls, c.short, 0
}

func (c *counter) seen() (polls, short, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mostPolls, c.mostShort, c.calls
}

// cpuTicks is the time that a process had a processor, in hundredths of a second.
func cpuTicks(t *testing.T, pid int) (ticks int) {
	t.Helper()
	for _, field := range procStat(pid)[11:13] {
		n, err := strconv.Atoi(field)
		must(t, err)
		ticks += n
	}
	return ticks
}

// statusKiB reads a line of /proc/PID/status.
func statusKiB(t *testing.T, pid int, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == name+":" {
			n, err := strconv.Atoi(fields[1])
			must(t, err)
			return n
		}
	}
	t.Fatalf("/proc/%d/status has no %s", pid, name)
	return 0
}
