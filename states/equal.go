package states

import (
	"maps"
	"reflect"
	"slices"
)

// Equal tells whether two statuses say the same. An agent asks that all the time, and reflection takes long.
func (s *Status) Equal(o *Status) bool {
	return s.Summary == o.Summary && s.Schema == o.Schema && s.Instance == o.Instance && s.Mark == o.Mark &&
		s.State.equal(&o.State) && s.Attempting.equal(&o.Attempting) && s.Phase == o.Phase && s.Reason == o.Reason &&
		s.Run.equal(&o.Run) && s.Failed.equal(&o.Failed) && s.AgainDone == o.AgainDone && s.Refused == o.Refused &&
		slices.Equal(s.Drained, o.Drained) && s.Unable == o.Unable && maps.Equal(s.Meta, o.Meta) && s.Tree == o.Tree && s.Since == o.Since &&
		alike(s.Drift, o.Drift) && alike(s.Disabled, o.Disabled) && (s.Trust == nil && o.Trust == nil || reflect.DeepEqual(s.Trust, o.Trust))
}

func (r *Run) equal(o *Run) bool {
	return r.ID == o.ID && r.State.equal(&o.State) && r.Transition == o.Transition && r.Generation == o.Generation && r.Under == o.Under &&
		r.Attempt == o.Attempt && r.Tries == o.Tries && r.Timeout == o.Timeout && r.Drain == o.Drain && r.Started == o.Started && r.Ended == o.Ended &&
		r.Outcome == o.Outcome && r.Terminal == o.Terminal && r.Exit == o.Exit && r.Signal == o.Signal && r.Seconds == o.Seconds &&
		r.Error == o.Error && slices.Equal(r.Tail, o.Tail) && r.Log == o.Log && r.Change == o.Change
}

func (s *State) equal(o *State) bool {
	return s.Name == o.Name && s.Argument == o.Argument && maps.Equal(s.Attributes, o.Attributes) && s.Digest == o.Digest && s.Serving == o.Serving
}

// alike compares what is hardly ever there.
func alike[T any](a, b *T) bool { return a == b || reflect.DeepEqual(a, b) }
