// Package e2e proves the main job from outside: both real binaries, a real Consul, real processes
// and real signals. It imports nothing of ours but what finds ports for tests; what it knows
// of orch is what any user knows.
//
// Every test has a Consul of its own, on free ports of loopback, and ends whatever it started.
// Agents converge by a script that appends "start" and "stop" lines to a log, and fails loudly when
// it finds itself running twice; the tests judge by that log, not by what orch says of itself.
package e2e
