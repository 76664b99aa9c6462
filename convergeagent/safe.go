package convergeagent

import (
	"context"
	"errors"
	"time"

	"orch/states"
)

// safe is an agent that may not believe what it knew, or cannot read it. It tells everybody, runs
// nothing, follows nothing and deletes nothing, and looks again until it is mended.
type safe struct {
	*Agent
	trouble string
	known   states.Status // what lay in Consul: as far as anybody knows, this is where the node is
	session string
	nobody  string    // the instance that it has where nothing lay there
	since   time.Time // that it is told to be so
	began   time.Time
}

// holds is how many times its length a session lives on at the most, when nobody renews it.
const holds = 3

// awake opens the storage and what lies in it. While they cannot be used the agent is in safe mode; it
// wakes by itself. It tells whether it did; else it was told to stop.
func (a *Agent) awake(ctx context.Context) (bool, error) {
	err := a.open(ctx, "")
	var used *InUseError
	if err == nil || errors.As(err, &used) {
		return err == nil, err
	}
	s := safe{Agent: a, nobody: randomID("i-", 8), since: a.now(), began: time.Now()}
	look := time.NewTicker(a.TTL / 3)
	defer look.Stop()
	for {
		if err == nil {
			a.Log.Info("the state directory can be used again")
			return true, nil
		}
		if err := s.tell(ctx, err); err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			s.leave()
			return false, nil
		case <-look.C:
		}
		err = a.open(ctx, s.session)
	}
}

// open takes storage and memory for this process, or neither. Session is that which safe mode had: it
// is ended where the agent enlists.
func (a *Agent) open(ctx context.Context, session string) error {
	storage, err := a.openStorage(ctx)
	if err != nil {
		return err
	}
	diary, err := openDiary(storage, a.Cluster, a.Node)
	if err == nil && session != "" {
		err = diary.write(func(m memory) memory { m.Session = session; return m })
	}
	if err != nil {
		return errors.Join(err, storage.Close())
	}
	a.storage, a.diary = storage, diary
	return nil
}

// tell says that the node is there and why it takes nothing on. It gives up where the name is another's.
func (s *safe) tell(ctx context.Context, trouble error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if why := states.Clip(clean(trouble.Error()), 400); why != s.trouble {
		s.trouble = why
		s.Log.Error("safe mode: nothing runs until this is mended", "error", why)
		if s.session != "" {
			s.board.show(noticeOf(s.status()))
		}
	}
	if s.session != "" {
		err := s.Presence.Renew(ctx, s.status())
		if errors.Is(err, states.ErrSessionGone) {
			s.session = ""
		}
		if err == nil {
			return nil
		}
		s.Log.Warn("the session was not renewed", "error", err)
	}
	return s.enlist(ctx)
}

// enlist takes the node's key. What lies there stays but for what is said of the agent: nothing newer is
// known of the node. A session that holds it is an earlier process's of this agent, or another's, who
// knows: it is waited out. It gives up where that lasts for longer than a session that nobody renews.
func (s *safe) enlist(ctx context.Context) error {
	last, held, err := s.Presence.Last(ctx)
	switch {
	case err == nil && held && time.Since(s.began) > holds*s.TTL:
		return &states.TakenError{Node: s.Node, Instance: last.Value.Instance}
	case err == nil && held:
		err = errors.New("a session holds its key; it is waited out")
	case err == nil:
		if s.known = last.Value; s.known.Instance == "" {
			s.known.Instance = s.nobody
		}
		s.session, err = s.Presence.Enlist(ctx, "", s.status())
	}
	if err != nil {
		s.Log.Warn("not enlisted yet", "error", err)
		return nil
	}
	s.board.show(noticeOf(s.status()))
	return nil
}

func (s *safe) status() states.Status {
	status := s.known
	status.Schema, status.Phase, status.Since = states.Schema, states.Refusing, s.since
	status.Unable, status.Reason = s.trouble, "safe mode, nothing runs: "+s.trouble
	status.Meta, status.Trust, status.Disabled = s.Meta, s.Trust, nil
	status.Summary = s.Node + " is in safe mode, and nothing runs: " + s.trouble
	return fit(status)
}

// leave ends the session.
func (s *safe) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.session == "" {
		return
	}
	if err := s.Presence.Leave(ctx); err != nil {
		s.Log.Warn("could not leave; the session ends by itself", "error", err)
	}
}
