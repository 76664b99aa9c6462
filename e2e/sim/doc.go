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
// It imports what it plays with and the language; nothing imports it.
package sim
