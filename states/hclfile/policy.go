package hclfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

// setting is one attribute of a policy: how it is read, and how it is written out again.
type setting struct {
	name string
	read func(r *reader, e hcl.Expression, p *states.Policy)
	text func(p states.Policy) string // empty: nothing is said
}

// settings are the attributes of a policy, in the order in which they are rendered. A new one is
// a row here, a field in states.Policy, and a row in the table of what nothing acts on yet.
var settings = []setting{
	batches(),
	duration("converge_timeout", (*reader).someTime, func(p *states.Policy) *states.Duration { return &p.ConvergeTimeout }),
	count("retries", func(p *states.Policy) *int { return &p.Retries }),
	duration("retry_delay", (*reader).duration, func(p *states.Policy) *states.Duration { return &p.RetryDelay }),
	size("max_failures", func(p *states.Policy) *states.Size { return &p.MaxFailures }),
	batchFailures(),
	size("min_healthy", func(p *states.Policy) *states.Size { return &p.MinHealthy }),
	duration("progress_deadline", (*reader).duration, func(p *states.Policy) *states.Duration { return &p.ProgressDeadline }),
	duration("soak", (*reader).duration, func(p *states.Policy) *states.Duration { return &p.Soak }),
	word("node_order", func(p *states.Policy) *string { return &p.NodeOrder },
		states.OrderUnhealthyFirst, states.OrderName, states.OrderRandom),
	count("seed", func(p *states.Policy) *int { return &p.Seed }),
	groupBy(),
	firstGroupSoak(),
	word("approve", func(p *states.Policy) *string { return &p.Approve },
		states.ApproveNever, states.ApproveBeforeStart, states.ApproveAfterFirstBatch, states.ApproveAfterEachBatch),
	word("on_failure", func(p *states.Policy) *string { return &p.OnFailure },
		states.PauseOnFailure, states.RollbackOnFailure, states.ContinueOnFailure),
	word("on_lost", func(p *states.Policy) *string { return &p.OnLost }, states.FailLost, states.SkipLost),
	word("joiners", func(p *states.Policy) *string { return &p.Joiners },
		states.JoinersStable, states.JoinersTarget, states.JoinersWait),
}

func settingNames() []string {
	var names []string
	for _, s := range settings {
		names = append(names, s.name)
	}
	return names
}

// policy lays the attributes of one block over what is inherited, and remembers where each came from.
func (r *reader) policy(p *states.Policy, attrs hcl.Attributes, at states.Place) {
	for _, s := range settings {
		if attr := attrs[s.name]; attr != nil {
			r.place(at.Sub(s.name), attr.Range)
			s.read(r, attr.Expr, p)
		}
	}
}

// field makes a setting out of a field, how it is read and how it is spelled.
func field[T any](name string, of func(*states.Policy) *T, read func(*reader, string, hcl.Expression) (T, bool), spell func(T) string) setting {
	return setting{
		name: name,
		read: func(r *reader, e hcl.Expression, p *states.Policy) {
			if value, ok := read(r, name, e); ok {
				*of(p) = value
			}
		},
		text: func(p states.Policy) string { return spell(*of(&p)) },
	}
}

func duration(name string, read func(*reader, string, hcl.Expression) (states.Duration, bool), of func(*states.Policy) *states.Duration) setting {
	return field(name, of, read, func(d states.Duration) string { return quote(d.String()) })
}

func count(name string, of func(*states.Policy) *int) setting {
	return field(name, of, (*reader).count, strconv.Itoa)
}

func size(name string, of func(*states.Policy) *states.Size) setting {
	read := func(r *reader, name string, e hcl.Expression) (states.Size, bool) { return r.size(0)(name, e) }
	return field(name, of, read, spellSize)
}

func word(name string, of func(*states.Policy) *string, words ...string) setting {
	read := func(r *reader, name string, e hcl.Expression) (string, bool) { return r.word(words...)(name, e) }
	return field(name, of, read, spellText)
}

func groupBy() setting {
	return field("group_by", func(p *states.Policy) *string { return &p.GroupBy }, (*reader).filledText, spellText)
}

// firstGroupSoak is left unsaid where it is 0: it means something only beside group_by.
func firstGroupSoak() setting {
	return field("first_group_soak", func(p *states.Policy) *states.Duration { return &p.FirstGroupSoak }, (*reader).duration, func(d states.Duration) string {
		if d == 0 {
			return ""
		}
		return quote(d.String())
	})
}

func batches() setting {
	return field("batches", func(p *states.Policy) *[]states.Size { return &p.Batches }, (*reader).sizes, func(sizes []states.Size) string {
		var texts []string
		for _, s := range sizes {
			texts = append(texts, spellSize(s))
		}
		return fmt.Sprintf("[%s]", strings.Join(texts, ", "))
	})
}

func batchFailures() setting {
	read := func(r *reader, name string, e hcl.Expression) (*states.Size, bool) {
		s, ok := r.size(0)(name, e)
		return &s, ok
	}
	return field("batch_failures", func(p *states.Policy) **states.Size { return &p.BatchFailures }, read, func(s *states.Size) string {
		if s == nil {
			return ""
		}
		return spellSize(*s)
	})
}

// spellText writes a text that may be missing.
func spellText(text string) string {
	if text == "" {
		return ""
	}
	return quote(text)
}
