// Package orchestrator moves a cluster: it decides what is to be done next, and does it one
// transaction at a time, for as long as it holds the cluster's lease.
//
// Deciding is a pure function: Plan takes a snapshot of everything that lies in the store, and the
// time, and gives one step with its reason, or the reasons why there is none. It asks a fixed list
// of questions and the first one with an answer decides:
//
//	can this be led at all?        (broken.go)
//	is something asked?            (request.go: stops first; start.go: a new move)
//	who is a member?               (members.go)
//	who failed, who is lost?       (count.go)
//	is the budget spent?           (count.go)
//	is the batch over?             (batch.go)
//	is the state reached?          (hop.go)
//	who is next, and may it go?    (next.go; wait.go: whom for)
//
// Doing is a dull loop (engine.go): snapshot, plan, commit, wait for news. All state is in the
// store, so another leader continues at the same place; Drive (drive.go) is what a command does
// to get a request done, by leading or by following whoever leads.
//
//	running ──pause, spent budget, too few alive──▶ paused ──resume──▶ running
//	   │                                              │
//	   └──every hop reached──▶ done                   └──abort──▶ aborted   (also from running)
//
// Commands call it; it never imports one, nor the agent, nor a store, nor a language. Nothing in
// it but the loop knows a clock, and nothing in it prints.
package orchestrator
