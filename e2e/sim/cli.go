package sim

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/orchestrator"
	"orch/states"
	"orch/states/hclfile"
	"orch/states/store"
)

// command is one process of orch: somebody types a verb, and it leads or follows until that is done.
type command struct {
	w      *world
	life   *life
	store  *store.Store
	engine *orchestrator.Engine
	n      int
}

func (w *world) command() *command {
	w.mu.Lock()
	w.typed++
	n := w.typed
	w.mu.Unlock()
	l := newLife(fmt.Sprintf("orch%d", n))
	w.mu.Lock()
	w.lives[l.name] = l
	w.mu.Unlock()
	s := store.New(w.altered(w.port(l.name, l), ""), keys, parse)
	s.TTL, s.Memo = 15*time.Second, w.memo
	c := &command{w: w, life: l, store: s, n: n}
	r := w.dice.throw("skew "+l.name, 0)
	w.mu.Lock()
	if w.wrong(l.name); r.IntN(4) == 0 && !w.calm && w.story.Told == "" {
		w.clocks[l.name] = clock{off: between(r, -time.Hour, time.Hour)}
	}
	w.mu.Unlock()
	c.engine = &orchestrator.Engine{Store: s, Leaser: s, Log: hclog.NewNullLogger(), Who: "ada@" + l.name, Archive: s,
		Keep:  orchestrator.Keep{Least: 60, Age: 24 * time.Hour, Most: 80, Slack: 10},
		Clock: w.show(l.name)}
	c.engine.Senses = &senses{c: c, said: map[string]string{}}
	if w.alter.Engine != nil {
		w.alter.Engine(w, c.engine)
	}
	return c
}

// leave ends the process. Its clock is kept: what it wrote may be on its way.
func (c *command) leave() {
	c.life.kill()
	c.w.mu.Lock()
	delete(c.w.lives, c.life.name)
	c.w.mu.Unlock()
}

// requestID is one that only the seed decides on.
func (c *command) id() string {
	var tail [4]byte
	r := c.w.dice.throw("id "+c.life.name, 0)
	for i := range tail {
		tail[i] = byte(r.Uint32())
	}
	return fmt.Sprintf("q-%04d-%s", c.n, hex.EncodeToString(tail[:]))
}

// birth makes the cluster known, before anything can go wrong.
func (w *world) birth() {
	c := w.command()
	defer c.leave()
	file, problems := hclfile.LoadSources([]hclfile.Source{{Name: "web.hcl", Text: []byte(w.story.Text)}}, hclfile.Options{})
	if err := problems.Err(); err != nil {
		panic(fmt.Sprintf("the definition of seed %d: %v\n%s", w.story.Seed, err, w.story.Text))
	}
	text := hclfile.Render(file.Clusters[0], "")
	w.story.Text = text
	ctx := c.life.ctx
	must(c.store.MakeID(ctx, "ca5e"))
	lease, err := c.store.Campaign(ctx, cluster, c.engine.Who, "")
	must("", err)
	snapshot, err := c.store.Snapshot(ctx, cluster)
	must("", err)
	change, err := orchestrator.Apply(snapshot, orchestrator.Application{Definition: file.Clusters[0], Text: text, ID: c.id(), By: c.engine.Who},
		orchestrator.Leading{Who: lease.Who, Epoch: lease.Epoch}, c.engine.Clock())
	must("", err)
	must("", c.store.Commit(ctx, lease, snapshot, change))
	must("", lease.Release(ctx))
}

func must(_ string, err error) {
	if err != nil {
		panic(err)
	}
}

// typing lets somebody type a verb, who waits for its end at most so long.
func (w *world) typing(e Event, patience time.Duration) {
	w.actors.Go(func() {
		if w.ctx.Err() != nil {
			return
		}
		c := w.command()
		defer c.leave()
		w.note(Note{Who: c.life.name, Text: "types " + e.Do + " " + e.Who + " " + e.Arg})
		ctx, cancel := context.WithTimeout(c.life.ctx, patience)
		defer cancel()
		_ = c.do(ctx, e)
	})
}

// do is a verb, as cmd/orch does it.
func (c *command) do(ctx context.Context, e Event) error {
	snapshot, err := c.store.Snapshot(ctx, cluster)
	if err != nil {
		return c.failed(e, err)
	}
	switch e.Do {
	case "freeze", "thaw":
		err = c.frost(ctx, e, snapshot)
	case "unlock":
		err = c.unlock(ctx, snapshot)
	case "recover":
		err = c.recover(ctx, e)
	default:
		_, err = c.drive(ctx, c.request(e, snapshot))
	}
	return c.failed(e, err)
}

func (c *command) failed(e Event, err error) error {
	if err != nil && !c.life.isDead() {
		c.w.note(Note{Who: c.life.name, Text: fmt.Sprintf("%s fails: %v", e.Do, err)})
	}
	return err
}

// drive files a request and stays until it is done.
func (c *command) drive(ctx context.Context, request states.Request) (orchestrator.Outcome, error) {
	outcome, err := c.engine.Drive(ctx, cluster, request)
	if !c.life.isDead() {
		exit := &Exit{Request: request, Answer: outcome.Answer, Record: outcome.Record}
		if err != nil {
			exit.Err = err.Error()
		}
		c.w.note(Note{Who: c.life.name, Exit: exit})
	}
	return outcome, err
}

// request spells what somebody asks, against what was seen.
func (c *command) request(e Event, seen states.Snapshot) states.Request {
	now := c.engine.Clock().UTC()
	q := states.Request{Schema: states.Schema, ID: c.id(), Kind: e.Do, Summary: e.Do, Transition: seen.Record.Value.ID, Generation: seen.Desired.Value.Generation,
		By: c.engine.Who, At: now, Expires: now.Add(time.Hour)}
	arg := e.Arg
	if rest, ok := strings.CutSuffix(arg, " supersede"); ok {
		arg, q.Supersede = rest, true
	}
	if rest, overrides, ok := strings.Cut(arg, "override "); ok {
		arg, q.Overrides = strings.TrimSpace(rest), strings.Fields(overrides)
	}
	switch e.Do {
	case states.AskTransition:
		q.Target, _ = states.ParseRef(arg)
	case states.AskResume:
		q.AcceptFailures = strings.HasPrefix(arg, "accept")
	case states.AskReconverge:
		q.Drifted = arg == "drifted"
	case states.AskApprove:
		q.Hop, q.Batch = seen.Record.Value.Hop, seen.Record.Value.Over()
	case states.AskHold, states.AskUnhold, states.AskForget:
		q.Node = e.Who
		if e.For > 0 {
			q.Until = now.Add(e.For)
		}
	}
	return q
}

// frost freezes the cluster, or thaws it.
func (c *command) frost(ctx context.Context, e Event, snapshot states.Snapshot) error {
	if e.Do == "thaw" {
		return c.store.DropFreeze(ctx, cluster, snapshot.Freeze)
	}
	now := c.engine.Clock().UTC()
	word := states.Word{By: c.engine.Who, Why: "x", At: now, Until: now.Add(e.For)}
	err := c.store.PutFreeze(ctx, cluster, snapshot.Freeze, states.Freeze{Summary: "frozen", Schema: states.Schema, Word: word})
	if err == nil {
		c.w.count("frozen")
	}
	return err
}

// unlock ends the session of whoever leads.
func (c *command) unlock(ctx context.Context, snapshot states.Snapshot) error {
	if !snapshot.Led {
		return nil
	}
	c.w.count("unlocked")
	return c.store.Unlock(ctx, cluster, snapshot.Session)
}

// recover writes a desired state beyond everything that was seen.
func (c *command) recover(ctx context.Context, e Event) error {
	lease, err := c.lease(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }()
	wanted := orchestrator.Recovery{ID: c.id(), By: c.engine.Who}
	wanted.Target, err = states.ParseRef(e.Arg)
	if err != nil {
		return err
	}
	for range 5 {
		snapshot, err := c.store.Snapshot(ctx, cluster)
		if err != nil {
			return err
		}
		if !snapshot.Definition.OK() {
			definition, err := parse(c.w.story.Text)
			if err != nil {
				return err
			}
			wanted.Definition, wanted.Text = &definition, c.w.story.Text
		}
		entries, err := c.store.Journal(ctx, cluster, 0)
		if err != nil {
			return err
		}
		wanted.Last = orchestrator.Newest(entries, c.engine.Clock())
		change, err := orchestrator.Recover(snapshot, wanted, orchestrator.Leading{Who: lease.Who, Epoch: lease.Epoch}, c.engine.Clock())
		if err != nil {
			return err
		}
		if err = c.engine.Store.Commit(ctx, lease, snapshot, change); err == nil || !errors.Is(err, states.ErrConflict) {
			return err
		}
	}
	return states.ErrConflict
}

// lease waits for the lease, not for long.
func (c *command) lease(ctx context.Context) (*states.Lease, error) {
	for try := 0; ; try++ {
		lease, err := c.engine.Leaser.Campaign(ctx, cluster, c.engine.Who, "")
		if err == nil || try == 50 || ctx.Err() != nil {
			return lease, err
		}
		if err := c.life.sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}
