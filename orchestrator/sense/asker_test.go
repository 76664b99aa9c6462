package sense

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// probe is a gate that takes its time in a test, and counts.
type probe struct {
	takes    time.Duration
	stubborn time.Duration // how long it takes to end when it is given up

	mu                   sync.Mutex
	asked, going, atOnce int
	cut                  int // given up before it had answered
}

func (p *probe) question(name string) []question {
	return []question{{gate: name, ask: p.ask}}
}

func (p *probe) ask(ctx context.Context) states.Reading {
	p.mu.Lock()
	p.asked++
	p.going++
	p.atOnce = max(p.atOnce, p.going)
	text := fmt.Sprint("answer ", p.asked)
	p.mu.Unlock()
	pause(ctx, p.takes)
	if ctx.Err() != nil {
		time.Sleep(p.stubborn)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.going--
	if ctx.Err() != nil {
		p.cut++
	}
	return states.Reading{Outcome: states.GatePass, Text: text}
}

func (p *probe) counts() (asked, cut, atOnce int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked, p.cut, p.atOnce
}

// bubble runs a test in virtual time, with a World that is closed at its end.
func bubble(t *testing.T, run func(t *testing.T, w *World, news chan struct{})) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		defer w.Close()
		run(t, w, make(chan struct{}, 1))
	})
}

// after lets time pass, until nothing happens any more at that instant.
func after(wait time.Duration) {
	time.Sleep(wait)
	synctest.Wait()
}

func TestAnswersComeWhenTheyAreThere(t *testing.T) {
	bubble(t, func(t *testing.T, w *World, news chan struct{}) {
		p, begun := &probe{takes: 2 * time.Second}, time.Now()
		for range 3 { // however often it is looked at, it is asked once
			if got := w.asked(about(1), p.question("lag"), news); len(got) != 0 {
				t.Errorf("it answered at once: %+v", got)
			}
		}
		<-news
		got := w.asked(about(1), p.question("lag"), news)["lag"]
		if (got != states.Reading{Outcome: states.GatePass, Text: "answer 1", At: begun}) || time.Since(begun) != 2*time.Second {
			t.Errorf("after %s: %+v", time.Since(begun), got)
		}
		<-news
		got = w.asked(about(1), p.question("lag"), news)["lag"]
		if (got != states.Reading{Outcome: states.GatePass, Text: "answer 2", At: begun.Add(7 * time.Second)}) || time.Since(begun) != 9*time.Second {
			t.Errorf("after %s: %+v", time.Since(begun), got)
		}
		if asked, cut, atOnce := p.counts(); asked != 2 || cut != 0 || atOnce != 1 {
			t.Errorf("asked %d times, %d at once, %d cut off", asked, atOnce, cut)
		}
	})
}

// The answer for one batch is never given for another, however late it comes and however it is asked.
func TestAnswersBelongToTheirBatch(t *testing.T) {
	bubble(t, func(t *testing.T, w *World, news chan struct{}) {
		p := &probe{takes: 2 * time.Second, stubborn: 3 * time.Second}
		w.asked(about(1), p.question("lag"), news)
		after(3 * time.Second) // there is an answer for batch 1
		others := map[string]orchestrator.Ask{"batch": about(2), "hop": about(2), "transition": about(2), "and back": about(1)}
		hop, transition := about(2), about(2)
		hop.Hop = 1
		transition.Transition = "t-2"
		others["hop"], others["transition"] = hop, transition
		for _, what := range []string{"batch", "hop", "transition", "and back"} {
			begun := time.Now()
			if got := w.asked(others[what], p.question("lag"), news); len(got) != 0 {
				t.Errorf("another %s got %+v", what, got)
			}
			after(10 * time.Second)
			got := w.asked(others[what], p.question("lag"), news)["lag"]
			if got.Outcome != states.GatePass || got.At.Before(begun) {
				t.Errorf("another %s got %+v", what, got)
			}
		}
		if _, _, atOnce := p.counts(); atOnce != 1 {
			t.Errorf("%d asked at once", atOnce)
		}
	})
}

// Where the next batch begins before the last question has ended, it waits for that, also behind
// others that never had their turn.
func TestOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, w *World, news chan struct{}) {
		p := &probe{takes: time.Second, stubborn: 10 * time.Second}
		for number := range 5 {
			w.asked(about(number), p.question("lag"), news)
			synctest.Wait()
		}
		after(10500 * time.Millisecond) // the first has ended, and the last was begun
		if asked, cut, atOnce := p.counts(); asked != 2 || cut != 1 || atOnce != 1 {
			t.Errorf("asked %d times, %d at once, %d cut off", asked, atOnce, cut)
		}
		select {
		case <-news:
			t.Error("word of an answer that nobody wanted")
		default:
		}
		<-news
		if got := w.asked(about(4), p.question("lag"), news)["lag"]; got.Text != "answer 2" {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatIsNotAskedAnyMoreEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *World, news chan struct{}) {
		p, other := &probe{takes: time.Minute}, &probe{takes: time.Second}
		w.asked(about(1), append(p.question("lag"), other.question("smoke")...), news)
		elsewhere := about(1)
		elsewhere.Cluster = "db"
		w.asked(elsewhere, nil, news) // another cluster asks nothing: that ends nothing here
		after(2 * time.Second)
		if _, cut, _ := p.counts(); cut != 0 {
			t.Error("another cluster cut it off")
		}
		w.asked(about(1), other.question("smoke"), news)
		synctest.Wait()
		if asked, cut, _ := p.counts(); asked != 1 || cut != 1 {
			t.Errorf("asked %d times, %d cut off", asked, cut)
		}
		w.asked(about(1), nil, news)
		after(time.Hour)
		if asked, _, _ := other.counts(); asked != 1 {
			t.Errorf("asked %d times in spite of it", asked)
		}
		if got := w.asked(about(1), other.question("smoke"), news); len(got) != 0 {
			t.Errorf("an answer from before the pause is given: %+v", got)
		}
	})
}

// Nobody has to listen: a word that is not taken is not waited for.
func TestNewsNeverBlock(t *testing.T) {
	bubble(t, func(t *testing.T, w *World, _ chan struct{}) {
		p := &probe{takes: time.Second}
		w.asked(about(1), p.question("lag"), make(chan struct{}))
		after(30 * time.Second)
		if asked, _, _ := p.counts(); asked != 6 { // at 0, 6, 12, 18, 24 and 30 s
			t.Errorf("asked %d times", asked)
		}
		w.asked(about(1), p.question("lag"), nil)
		after(30 * time.Second)
		if asked, _, _ := p.counts(); asked != 11 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestCloseWaitsForEverything(t *testing.T) {
	bubble(t, func(t *testing.T, w *World, news chan struct{}) {
		p, begun := &probe{takes: time.Minute, stubborn: 3 * time.Second}, time.Now()
		w.asked(about(1), p.question("lag"), news)
		w.asked(about(2), append(p.question("lag"), p.question("smoke")...), news)
		synctest.Wait()
		w.Close()
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		if got := w.asked(about(3), p.question("lag"), news); len(got) != 0 {
			t.Errorf("after the end: %+v", got)
		}
		w.Close() // once more does nothing
		if len(w.askers) != 0 {
			t.Errorf("%d are left", len(w.askers))
		}
	})
}

func TestSensesFromManySides(t *testing.T) {
	p := &probe{takes: time.Millisecond}
	w := world(t)
	w.Every = time.Millisecond
	news := make(chan struct{}, 1)
	var going sync.WaitGroup
	for number := range 4 {
		going.Go(func() {
			for i := range 200 {
				w.asked(about(i/50), p.question("lag")[:i%7%2], news)
				if i == 150 && number == 3 {
					w.Close()
				}
			}
		})
	}
	going.Wait()
	if _, _, atOnce := p.counts(); atOnce > 1 {
		t.Errorf("%d asked at once", atOnce)
	}
}
