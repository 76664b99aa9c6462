// Package consulkv speaks to Consul, and is the only room that imports its API.
//
// Client implements the port of states/store with Consul's KV, transactions and sessions, and says
// of every error what it means: whether nothing was written, something may have been, or it never
// will be. Service shows a node on the Consul UI's Services page, for people and never for
// decisions. What else Consul knows is only read (catalog.go): health checks, and who holds a role.
// Maintenance takes instances of a node's services out of the traffic, and back.
//
// Commands open a Client and hand it to states/store. No key is spelled here, no document read, and
// nothing decided.
package consulkv
