// Package store is what lies in the KV store, and the only ways in which it is read and changed:
// keys, the encoding of documents, the rules of watching, the lease, the leader's transaction and
// the agent's claim.
//
// It stands on a small port, KV, with the semantics of Consul. states/consulkv implements it with
// Consul, states/memkv in memory; because everything above the port is written once, here, the twin
// can only differ in the port itself, and states/storetest holds both to the same behaviour.
//
// Commands and tests make a Store or an Agent of it and hand them to the orchestrator and to the
// agent, whose interfaces they satisfy. It never decides what should be written, and knows neither
// HCL nor Consul's API.
package store
