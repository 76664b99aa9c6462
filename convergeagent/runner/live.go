package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// live is what a run said last, for whoever watches it.
type live struct {
	Schema int      `json:"schema"`
	Lines  []string `json:"lines"`
}

// show writes down what the run says, now and then, until stop is called.
func (r *runner) show() (stop func()) {
	ended, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(liveTime)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			if lines, news := r.lines.fresh(); news {
				if err := store(r.dir, liveFile, live{Schema, lines}, false); err != nil {
					fmt.Fprintln(os.Stderr, err) // a view costs no run
				}
			}
		}
	}()
	return func() { close(ended); <-over }
}

// viewer reads what a run says.
type viewer struct {
	dir  string
	seen time.Time
}

// look gives the last lines if there are others than at the last look.
func (v *viewer) look() ([]string, bool) {
	info, err := os.Stat(filepath.Join(v.dir, liveFile))
	if err != nil || info.ModTime().Equal(v.seen) {
		return nil, false
	}
	var now live
	if load(v.dir, liveFile, &now) != nil || len(now.Lines) == 0 {
		return nil, false
	}
	v.seen = info.ModTime()
	return now.Lines, true
}
