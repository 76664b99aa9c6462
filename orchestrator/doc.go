// Package orchestrator moves a cluster: it decides what is to be done next, and does it one
// transaction at a time, for as long as it holds the cluster's lease.
//
// Deciding is a pure function: Plan takes a snapshot of everything that lies in the store, and the
// time, and gives one step with its reason, or the reasons why there is none. It asks a fixed list
// of questions and the first one with an answer decides:
//
//	can this be led at all?        (broken.go)
//	is something asked?            (request.go: stops first; start.go, approve.go, rollback.go,
//	                                retry.go, hold.go, reconverge.go, drift.go)
//	who is a member?               (members.go)
//	who failed, who is lost?       (count.go)
//	what do the gates say?         (gate.go)
//	is the budget spent?           (count.go; stop.go: stand still, or go back)
//	who died before it began?      (replace.go)
//	is the batch over?             (batch.go)
//	is the state reached?          (hop.go)
//	who is next?                   (who.go: order, groups, the primary; floor.go: how many)
//	may we?                        (may.go: freeze, soak, gates, approval; requires.go: other clusters)
//	what now?                      (next.go: a batch, or everybody; wait.go: whom for)
//
// Where agents obey signed states only, a leader carries what a request was signed with (warrant.go),
// and refuses early what they would not follow.
//
// What lies outside of the cluster's own keys comes in with the snapshot, as evidence: AskFor says
// what a planner has to know, Senses (ask.go, package sense) find it out before it is asked. What
// nobody can tell is never taken for a yes.
//
// Doing is a dull loop (engine.go): snapshot, plan, commit, wait for news. All state is in the
// store, so another leader continues at the same place; Drive (drive.go) is what a command does
// to get a request done, by leading or by following whoever leads, unless it is taken out of the store
// meanwhile (errand.go).
//
//	running ──pause, failure, doubt, too few alive──▶ paused ──resume, retry──▶ running
//	   │                                                │
//	   ├──every hop reached──▶ done                     └──abort──▶ aborted   (also from running)
//	   └──failure, and on_failure = "rollback"──▶ running, as another move that takes this one back
//
// What it did is replayed (fsck.go) and what is old of that goes (compact.go) by the same journal.
//
// Commands call it; it never imports one, nor the agent, nor a store, nor a language. Nothing in
// it but the loop knows a clock, and nothing in it prints.
package orchestrator
