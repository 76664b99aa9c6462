// Package sim plays stories: the real orchestrator and real agents, on the store's twin in memory, in
// virtual time, while everything goes wrong that a seed thinks of. What happened is written down, and
// checks read that: each is one promise, as a pure function over a history.
//
//	Tell(seed) ─▶ Story ─▶ play ─────────────────────────▶ History ─▶ Examine ─▶ Violations
//	              events    │ machines: convergeagent.Agent   (notes)
//	                        │ commands: orchestrator.Engine
//	                        └ ports, disks, memkv: whatever can fail between them
//
// A story is played in a testing/synctest bubble, where time passes only when nobody has anything to do.
// Every delay is thrown to the nanosecond from the seed, what it is for and how many there were before,
// so that two things happen at one instant almost never, and their order is the seed's. Then everything
// is mended, and everybody has to arrive: in an open cluster alone, and else with an operator who types
// what orch says.
//
// A failing story is shrunk, by dropping events while the same promise is broken, and printed. To see one:
//
//	go test ./e2e/sim -run TestSim -v -sim.from 52 -sim.seeds 1 -sim.print 1000
//
// A seed gives the same story again. Stories are played on one processor, so that what becomes ready at
// one instant runs in one order; many are played by many processes (parts_test.go). What is left to
// chance are the random names that agents and runs give themselves, by which nothing is decided, and on
// a busy machine whether the runtime lets something else run in between. TestSameSeedSameStory says how
// many stories went otherwise, which is none nearly always; a failing one is tried twice.
//
// That the checks notice anything is shown twice: by histories that were made up (check_test.go), and by
// taking each safeguard out of the code (safeguards.go and the lists in loss*.go), which is done by
// wrapping what the code is handed, never in the code itself. Each has a story made by hand (directed.go),
// which leads to the moment in which it is needed, and the check that names its loss; should the story not
// show it any more, it is looked for in those of chance. The list is printed by
//
//	go test ./e2e/sim -run TestSafeguards -v
//
// What leaders saw of the lease and of the desired state is put into one order with Porcupine
// (linear_test.go). Faults that never took place are a failure too.
//
// At its end the journal of a story is replayed as `orch fsck` does it.
//
// Not in here: signatures, and disks that lose what was synced.
//
// It imports what it plays with and the language; nothing imports it.
package sim
