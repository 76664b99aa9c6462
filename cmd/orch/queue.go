package main

import (
	"fmt"

	"orch/orchestrator"
	"orch/states"
)

const queueFlag = "wait until nothing else moves the cluster; who asked first goes first, and who died keeps a place until its session ends, within twice --lease-ttl"

// queued says what a queued request waits for, or "" when it is its turn.
func (v *view) queued(request states.Request) string {
	if !request.Queue {
		return ""
	}
	return orchestrator.Ahead(v.Snapshot, request.ID)
}

// queueScreen says below a plan that it is not its turn yet.
func (v *view) queueScreen(p *page, request states.Request) {
	if ahead := v.queued(request); ahead != "" {
		p.blank()
		p.wrap(text("It waits for its turn: "), ahead+".")
		p.say("The plan is that of a cluster on which everything before it went well.")
	}
}

// queue lists who waits for a turn, the first first.
func (v *view) queue() []states.Request {
	var waiting []states.Request
	for _, r := range v.Requests {
		if r.OK() && r.Value.Queue && r.Value.Held {
			waiting = append(waiting, r.Value)
		}
	}
	return waiting
}

// listQueue says who waits for a turn.
func (v *view) listQueue(p *page) {
	waiting := v.queue()
	if len(waiting) == 0 {
		return
	}
	p.blank()
	p.say("In the queue, until " + v.Cluster + " is at rest:")
	for i, request := range waiting {
		what := request.Kind
		if request.Target.Name != "" {
			what += " to " + request.Target.String()
		}
		p.wrap(span{fmt.Sprintf("%2d  ", i+1), bold}, fmt.Sprintf("%s, by %s since %s%s", what, request.By, clock(request.At, v.now), because(request.Why)))
	}
}
