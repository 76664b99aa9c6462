// Package storetest is one suite for every implementation of the port of states/store, and for
// what states/store builds on it: keys, the lease, the leader's transaction, the agent's claim.
//
// The tests of this package run it on memkv, in fake time, and on a real Consul, so that a test
// elsewhere may believe memkv. An implementation's own tests may call Run; nothing else may, and
// nothing here asks for a behaviour that a real Consul was not seen to have.
package storetest
