// Package consultest finds a Consul program and runs servers of it for tests, each on free ports of
// the loopback interface, with its own data and access control on.
//
// Any test may use it. A command must not, and it knows nothing of orch: no key, no document.
package consultest
