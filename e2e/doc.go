// Package e2e proves the main job from outside: both real binaries, a real Consul, real processes
// and real signals. It imports nothing of ours but what finds ports for tests; what it knows
// of orch is what any user knows.
//
// Every test has a Consul of its own, on free ports of loopback, and ends whatever it started.
// Agents converge by a script that appends "start" and "stop" lines to a log, and fails loudly when
// it finds itself running twice; the tests judge by that log, not by what orch says of itself.
//
// Many tests go on at once: most of the time each waits for other processes. So they wait for events, with
// patience, and a short limit is there only where it is what is asserted. Of the faults of the list in faults
// a half goes on by default, with each kind of them; make faults makes all.
package e2e
