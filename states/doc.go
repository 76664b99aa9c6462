// Package states is the vocabulary of orch and the rules that hold wherever a value came from.
//
// It is what the orchestrator, the agents, the language and the stores have in common: the
// definition of a cluster (cluster.go, policy.go, path.go, check.go), the documents that lie in
// Consul (desired.go, order.go, status.go, record.go, request.go, journal.go), the agent's rule
// (rule.go, drift.go), what is signed and who is trusted (warrant.go, trust.go) and the arithmetic of
// epochs, generations and deadlines (mark.go, limits.go).
//
// Anybody may import it. It imports the standard library only, and is pure: no clock, no
// network, no file, no goroutine. Time is handed in as data. What needs a source range belongs
// to states/hclfile, what needs a key or a transaction to states/store.
package states
