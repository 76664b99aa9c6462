// Package runner executes one converge in a process of its own, so that the run outlives the agent
// that started it: a converge may well restart or replace that agent.
//
//	agent:   Start ───────────────────────────────▶ Await ─▶ Result       (or, another process: Find, Await)
//	           │                                      ▲
//	runner:  Serve: host lock ─▶ box ─▶ pump ─▶ judge ─▶ result.json
//
// A run has a folder. The task in it is all that a runner is told; it never hears of Consul. The lock on
// the folder is the runner's life: the agent takes it, hands it over and lets go of it, so that there is
// no instant at which a runner may come up that nobody sees. Whoever finds the lock free finds either a
// result, which was durable before the runner ended, or knows that there will be none. Then everything
// of the run is ended before anything else is started.
//
// No process of a run outlives it. On Linux the runner is the reaper of all that the converge leaves
// behind, so it has no child any more exactly when the last of them is gone; where a cgroup can be made,
// they are in one besides, and can be found also when the runner itself was killed. Without a cgroup they
// are then known by ORCH_RUN in their environment, and by who descends from such a one or shares its
// session. On other systems it is a process group, and no more than that.
//
// The lock of the host is a file that all agents of a machine share: one run at a time, whosever it is.
// The note in it names the run that goes on, and whoever finds the note of a dead one ends its remains.
//
// What must never be here: Consul, HCL, the agent's memory, a decision about what to run.
package runner
