// Package sense finds out what a leader has to know of the world outside of its cluster's own keys:
// what gates say, who holds the role that goes last, where another cluster is.
//
// World implements orchestrator.Senses. What can be read at once is read in the call, side by side
// and each with a deadline of its own: Consul's checks, the primary, other clusters, votes. What
// takes its time is asked in the background, one at a time for each gate: addresses (http.go) and
// programs of this machine (program.go). asker.go has the rules of that: an answer belongs to the
// batch for which it was asked, a gate is asked again while it matters, and nothing outlives Close.
//
// Three answers are possible, and only one of them lets a move go on. Whatever could not be found out
// is unknown, with the reason in words; it is never taken for a yes, and never for a no. What others
// wrote is made fit for a screen before it leaves this room (text.go).
//
// A command that leads makes a World, hands it to the engine and closes it. What it needs of Consul
// and of the store are interfaces of its own; which programs there are it is told by a function.
// There must never be a decision in this room: what an answer means for a move is the planner's
// business. And nothing that lies in Consul, or stands in a definition, ever names a program.
package sense
