// Package memkv is Consul's twin in memory: the port of states/store with the semantics that were
// measured on a real Consul, and nothing that Consul would not do.
//
// Tests use it where a real Consul is too slow, cannot be made to fail at will, or cannot live in
// fake time: a KV made inside a testing/synctest bubble starts no goroutines, asks the clock it was
// given, and lets time pass only in blocked watches. Tests of everything above states/store may use
// it; a command never does, because what it holds ends with the process.
//
// It knows no key and no document. A behaviour belongs here only if Consul has it too: whatever it
// claims, states/storetest asks of both.
package memkv
