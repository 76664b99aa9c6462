// Package convergeagent keeps one node at the state that it should be at.
//
//	         sights                      verdict
//	Inbox ───────────▶ accept ─▶ Decide ─────────▶ say ──▶ report ──▶ Inbox, Board
//	                   (mark)   (states)   │
//	                                       └ go ─▶ note ─▶ claim ─▶ launch: drain ─▶ Action
//	                                              (file)  (Inbox)        (Drainer)    │
//	             restore ◀─ ended ◀───────────────────────────────────────────────────┘
//	            (Drainer)
//
// One loop, and one thing at a time. Something happens: a sight comes, a run ends, a session is to be
// renewed, a pause is over. Then everything is looked at again. The decision itself is a pure
// function in package states; here is what it takes to follow it:
//
//   - A desired state is obeyed only when its epoch and generation are in the state file. What is
//     missing, denied, garbage or lower than that changes nothing: the node stays what it is, says so,
//     and goes on by itself when that is mended.
//   - Where the node trusts keys, a desired state is obeyed only as far as one of them signed it; and what
//     was obeyed is in the state file, so that an older word of the same key is nothing any more.
//   - Only the Consul that was followed before is, by its id, or the one that the node's own file names.
//   - A run starts only when the state file says that the node is at no certain state any more, and
//     then the claim went through. Whatever was written or withdrawn meanwhile, the claim fails.
//   - One run at a time, over restarts too. A run is in a process of its own, package runner, and goes on
//     when the agent ends, is killed or replaced; the next process of the agent adopts it, and has its end.
//   - Nothing is reported that the state file does not know; what cannot be delivered is kept, and no
//     run begins before the end of the last one was delivered.
//   - What the state file says is believed only where nobody else can have written it, and where it is whole.
//     Else, or where it cannot be written, the agent is in safe mode (safe.go): it reports, as whom Consul knew
//     it, runs nothing and deletes nothing, and wakes when that is mended.
//   - Whether a node still is what it reached is looked at only while it is there and nothing runs
//     (check.go). Finding that it is not changes what is said of it; what follows is the rule's to say.
//   - What a run prints stays on the node but for its last lines, and those without private keys, what
//     looks like a token, the agent's own ones, and whatever Config.Hide takes out.
//   - What a run takes out of the traffic is in the state file before it is done, with the reason that
//     it will carry in Consul. Only what carries it is ever put back, and only at a state.
//
// cmd/convergeagent calls it, and tests do; it is handed its Inbox, Presence, Board, Drainer, Checker and Action. What
// must never be here: Consul's API, HCL, a command line, the orchestrator, a command or path that
// came out of Consul, a decision that states.Decide should make.
package convergeagent
