package main

// row is a fault that somebody will have in production, what orch promises under it, and the test
// that makes it happen. A test asserts the promise, and that the fault struck.
type row struct {
	Fault   string
	Made    string // how the test makes it happen
	Promise string
	Test    string // function, or function/subtest as the testing package spells it
	Package string // "": e2e
}

const (
	goesOn      = "the rollout ends where it should by itself; one batch at a time, no node runs twice for a generation"
	quiet       = "nothing starts meanwhile; the rollout goes on once it is over"
	agent       = "./convergeagent/..."
	consulkv    = "./states/consulkv"
	storetest   = "./states/storetest"
	told        = "commands end with 1 and say why, agents start nothing and say why; mended, all go on as they are"
	oneRun      = "one run, its real result, nothing left behind"
	neverBack   = "no node goes backwards; orch recover leads on"
	keepsWhatIs = "the node keeps what it is, starts nothing, and says why"
)

var servers = []row{
	{"somebody leads through a server", "three servers, no client agent", "it is told that the lease hangs on that server", "TestFaultsOfServers/who_leads_through_a_server_is_told", ""},
	{"the server that somebody leads through dies", "SIGKILL in mid-batch, restarted later", goesOn, "TestFaultsOfServers/the_server_that_somebody_leads_through_dies", ""},
	{"the leading server dies", "SIGKILL in mid-batch, restarted later", goesOn, "TestFaultsOfServers/the_leader_is_killed", ""},
	{"the leading server stands still and comes back", "SIGSTOP, SIGCONT after another leads", goesOn, "TestFaultsOfServers/the_leader_is_frozen_and_comes_back", ""},
	{"no quorum", "two of three killed in mid-batch", quiet, "TestFaultsOfServers/two_of_three_are_killed", ""},
	{"no quorum for long", "two of three killed, until the lease is lost and a run has ended", quiet + "; the run's end is told then", "TestFaultsOfServers/two_of_three_are_away_for_longer_than_leases,_sessions_and_runs_last", ""},
	{"rolling restart", "all killed and started, one by one", goesOn, "TestFaultsOfServers/all_are_restarted,_one_by_one", ""},
	{"cold restart", "all killed, then all started", goesOn, "TestFaultsOfServers/all_are_killed", ""},
	{"the leading server is cut off, and clients still reach it", "blackhole routes in its network namespace", goesOn + "; the agent of a node that reaches no other server starts nothing", "TestFaultServerThatIsCutOff", ""},
	{"one server is restarted in mid-transition", "SIGKILL", goesOn, "TestConsulRestartsInMidTransition", ""},
	{"a new Consul gets a snapshot of now", "empty data directory, Consul's API", "all go on, with nothing to recover", "TestFaultConsulIsMadeAnew/from_a_snapshot", ""},
	{"a new Consul gets all keys, with lower indexes", "empty data directory, consul kv export and import", "all go on, with nothing to recover", "TestFaultConsulIsMadeAnew/from_exported_keys", ""},
	{"a snapshot from before is restored", "Consul's API", neverBack, "TestRecoverAfterARestore", ""},
	{"everything under the prefix is deleted", "Consul's API", neverBack, "TestRecoverAfterAWipe", ""},
	{"everything under the prefix is deleted in mid-batch", "Consul's API", "whoever leads says so, writes nothing and ends, runs end, no other begins; " + neverBack, "TestRecoverAfterAWipeInMidBatch", ""},
	{"a snapshot from before the move is restored in mid-batch", "Consul's API", "whoever leads says so, writes nothing and ends, runs end, no other begins; " + neverBack, "TestRecoverAfterARestoreInMidBatch", ""},
	{"a new Consul", "empty data directory", neverBack, "TestRecoverOnANewConsul", ""},
	{"the disk of Consul is full", "a small tmpfs, filled", goesOn + ", or is resumed", "TestFaultFullDisk", ""},
	{"Consul refuses requests: too many", "request_limits", goesOn + ", or is resumed", "TestFaultRateLimits", ""},
	{"five hundred agents reconnect at once", "restart, under 500 real agents", "all are back, and a move goes through", "TestFaultManyAgentsReconnect", ""},
}

var network = []row{
	{"the leader's host is cut off; another leads; it comes back", "the host's port down", "the first writes nothing more", "TestFaultsOfHosts/the_leader's_host_is_cut_off,_and_another_takes_over", ""},
	{"half of the nodes are cut off", "the host's port down", goesOn, "TestFaultsOfHosts/half_of_the_nodes_are_cut_off", ""},
	{"the nodes' Consul agents die", "SIGKILL, restarted", quiet, "TestFaultsOfHosts/the_nodes'_Consul_agents_are_killed_and_come_back", ""},
	{"the nodes' Consul agents let few requests through", "rpc_rate", goesOn, "TestFaultsOfHosts/the_nodes'_Consul_agents_let_few_requests_through", ""},
	{"the leader's Consul agent dies", "SIGKILL, restarted", goesOn, "TestFaultsOfHosts/the_leader's_Consul_agent_is_killed_and_comes_back", ""},
	{"the leader stands still beyond its lease", "SIGSTOP, SIGCONT", "it writes nothing more", "TestFaultsOfHosts/the_leader_is_frozen_beyond_its_lease,_and_comes_back", ""},
	{"the servers' lines are slow", "tc: 256 kbit/s", goesOn + "; the lease is not lost", "TestFaultsOfLines/the_servers'_lines_are_slow", ""},
	{"the servers' lines are next to nothing", "tc: 64 kbit/s, until Consul is missed", goesOn + "; the lease does not go to and fro", "TestFaultsOfLines/the_servers'_lines_are_next_to_nothing", ""},
	{"a storm of resets", "nft: a third of what the hosts send is answered with RST", goesOn, "TestFaultsOfLines/a_third_of_what_the_hosts_send_is_answered_with_a_reset", ""},
	{"packets are lost", "nft: three of ten", goesOn, "TestFaultsOfLines/three_of_ten_packets_are_lost_on_the_way_from_the_servers", ""},
	{"nothing answers", "proxy: accepts, and is silent", quiet, "TestFaultsOnTheWire/nothing_answers", ""},
	{"bodies stop in the middle", "proxy", quiet, "TestFaultsOnTheWire/bodies_stop_in_the_middle", ""},
	{"bodies are cut off", "proxy", quiet, "TestFaultsOnTheWire/bodies_are_cut_off", ""},
	{"connections are reset", "proxy, RST", quiet, "TestFaultsOnTheWire/connections_are_reset", ""},
	{"a login page answers, with 200", "proxy", quiet, "TestFaultsOnTheWire/a_login_page_answers", ""},
	{"429 to everything", "proxy", quiet, "TestFaultsOnTheWire/too_many_requests", ""},
	{"reads are empty, with 200", "proxy", "absence is no order; the rollout goes on once it is over", "TestFaultsOnTheWire/reads_are_empty", ""},
	{"Consul's headers are stripped", "proxy", goesOn, "TestFaultsOnTheWire/Consul's_headers_are_stripped", ""},
	{"every third write loses its answer", "proxy: carried out, then RST", goesOn, "TestFaultsOnTheWire/every_third_write_loses_its_answer", ""},
	{"every answer is late", "proxy, 700 ms", goesOn, "TestFaultsOnTheWire/everything_is_late", ""},
	{"a lease over a wire that stands still", "proxy", "its holder stops before anybody else can take it", "TestLeaseOverAWireThatStandsStill", consulkv},
}

var leaders = []row{
	{"the leader is killed at each step", "SIGKILL after each of twelve journal entries", "orch resume waits out the lease, and continues at the same place", "TestLeaderIsKilledAtEveryStep", ""},
	{"Ctrl-C, SIGTERM, SIGHUP at every commit", "signals", "the lease is let go of; orch resume continues", "TestSignalsAtEveryCommit", ""},
	{"a command is killed in mid-request, and given again", "proxy: SIGKILL within each of eight writes, carried out or lost", "one move; the second command does it, or is told of it", "TestFaultCommandIsKilledInMidRequest", ""},
	{"a renewal of the lease is late", "proxy: nine tenths of the lease", goesOn + "; the lease is kept", "TestFaultsOfRenewals/one_takes_nine_tenths_of_the_lease", ""},
	{"all renewals of the lease are late", "proxy: longer than the lease", "its holder stops by itself, and leads on under another epoch", "TestFaultsOfRenewals/each_takes_longer_than_the_lease", ""},
	{"the lease's session is destroyed", "Consul's API", goesOn, "TestFaultsOfTheLease/its_session_is_destroyed", ""},
	{"the lease's key is overwritten", "Consul's API", goesOn, "TestFaultsOfTheLease/somebody_writes_over_it", ""},
	{"the lease's key is deleted", "Consul's API", goesOn, "TestFaultsOfTheLease/somebody_deletes_it", ""},
	{"the lease is released under the leader", "Consul's API", goesOn, "TestFaultsOfTheLease/somebody_lets_go_of_it", ""},
	{"somebody else locks the key", "Consul's API", goesOn, "TestFaultsOfTheLease/somebody_else_takes_it", ""},
	{"two operators at once", "two commands", "one moves, the other is refused with who, since when, why", "TestTwoOperators", ""},
	{"leaders die, and the definition is another one each time", "SIGKILL, orch apply with other batches", "a move keeps the policy that it began with", "TestFaultLeadersOfTwoMinds", ""},
	{"a new target in mid-rollout", "--supersede", "bound and failure budget carry over", "TestNewTargetInMidRollout", ""},
	{"writes that arrive late or twice", "memkv and a real Consul", "fenced: nothing changes", "TestConsul", storetest + "/..."},
}

var nodes = []row{
	{"an agent is killed in mid-run", "SIGKILL", oneRun, "TestAgentIsKilledInMidRun", ""},
	{"the process that stays with a run is killed", "SIGKILL", oneRun, "TestTheRunnerIsKilledToo", agent},
	{"a converge leaves daemons in sessions of their own", "setsid, double fork", "they end with the run", "TestNoDaemonOutlivesItsRun", agent},
	{"Puppet's exec outlives Puppet", "real Puppet", "it ends with the run", "TestPuppetExecDoesNotOutliveItsRun", ""},
	{"a child holds the output open", "a background child", "the run ends all the same", "TestBackgroundChildHoldsStdout", ""},
	{"a flood of output", "megabytes without an end of line", "memory stays flat, the last lines are told", "TestFloodOfOutput", ""},
	{"a node is silent in its batch", "SIGKILL", "it is charged and named; the budget decides", "TestSilentNode", ""},
	{"a node comes late, or after three versions", "started later", "it goes straight to where the cluster is, with no leader", "TestReturningNodeGoesStraightToTheCurrentState", ""},
	{"a node comes back in the middle", "restarted", "it does not start", "TestNodeThatReturnsInTheMiddleDoesNotStart", ""},
	{"two machines of one name", "a second state directory", "the second is refused", "TestSecondInstanceOfANode", ""},
	{"a host is cut off and deregistered, and a new machine has its name", "SIGKILL, Consul's API, another state directory, in mid-batch", "it is told, and charged; nobody goes until the old one's run must have ended", "TestANameIsTakenOverInMidRollout", ""},
	{"the same, and no failure is allowed", "as above", "the move stops and says why; orch retry takes the new machine along", "TestANameIsTakenOverAndNoFailureIsAllowed", ""},
	{"a node goes down in mid-run", "SIGKILL of all of it, another boot id", "interrupted by a reboot: told, and tried again without using up a try", "TestRebootInMidRun", ""},
	{"a converge kills or restarts its own agent", "SIGKILL, SIGTERM", oneRun, "TestConvergeRestartsItsAgent", ""},
	{"a converge replaces its agent's program", "cp, mv, SIGTERM", "the old one goes on as it is; the new one adopts the run", "TestConvergeReplacesItsAgent", ""},
	{"a converge replaces its agent's configuration", "cp of one with a mistake, SIGTERM", "the mistake is told by its line and loses nothing; mended, the next agent adopts the run", "TestConvergeReplacesItsAgentsFile", ""},
	{"a converge hangs, and ignores SIGTERM", "trap", "told to end, killed with all that it started, a timeout", "TestTruthfulStatus/hangs_and_ignores_TERM", ""},
	{"a converge runs out of memory", "a memory cgroup", "failed, killed by SIGKILL: told, and tried as often as the policy says", "TestAConvergeRunsOutOfMemory", ""},
	{"Puppet fails without failing, or by its codes", "real Puppet", "what its codes mean is what is told", "TestPuppetFailures", ""},
	{"Ansible fails", "real Ansible", "what its codes mean is what is told", "TestAnsibleFailures", ""},
	{"Chef fails, or wants a reboot", "a stand-in with the documented codes", "what its codes mean is what is told", "TestChefEnds", ""},
	{"Consul is away when a run ends, and its agent dies", "SIGSTOP or SIGKILL of both", "the end is told later, once, under its own id", "TestTheEndOfARunOutlivesConsulAndTheAgent", ""},
	{"a tool is locked or disabled by hand", "puppet agent --disable", "blocked: told, and not a success", "TestPuppetAgentDisabled", ""},
	{"a state file is empty, cut off, another's, a newer version's, a link, or writable by others", "files, under agents that are killed or stopped", "safe mode: told, nothing runs, nothing is touched; whole or moved away, the node comes along", "TestDamagedStateFiles", ""},
	{"a state file is damaged under its agent", "truncated, its folder opened to others", "the agent knows it all the same, and writes it again; or says why it cannot", "TestStateFileIsDamagedUnderItsAgent", ""},
	{"the disk of a node is full, read-only, or fails", "a small tmpfs, a remount, EIO by a tracer", "no run without a durable note of it; the move goes on without the node, which comes along by itself", "TestDisksThatFail", ""},
	{"a converge fills the disk", "dd, and SIGKILL of the agent", "where the node is, is told once there is room; nothing runs before, and nothing twice", "TestAConvergeFillsTheDisk", ""},
	{"an agent dies while it writes down what it knows", "SIGKILL at each of its writes, from its first start to the end of a move", "the old or the new is there, whole; what was being written is ignored; " + oneRun, "TestAgentIsKilledAtEverySave", ""},
	{"a write of the state file is cut, or fails", "SIGKILL, EIO and ENOSPC at each call of the kernel, by a tracer", "what is new is on the disk before it has the name; the old or the new is there, whole", "TestSavingIsCutAtEveryCall", agent},
	{"the state directory cannot be written", "permissions, limits", "no run without a durable note of it", "TestAStateDirectoryThatCannotBeWritten", agent},
	{"a service is drained when its agent dies", "SIGKILL at every step", "it takes out only what it set itself", "TestDrainOverAKill", ""},
}

var values = []row{
	{"garbage in any key of a cluster", "Consul's API", keepsWhatIs, "TestGarbage", ""},
	{"garbage for leaders", "Consul's API", "nothing moves, and why names the key", "TestGarbageForLeaders", ""},
	{"garbage in one node's keys", "Consul's API", "that node alone is left out", "TestGarbageInOneNodesKeys", ""},
	{"desired states edited, replayed or planted", "Consul's API", "orch fsck names every edit", "TestFsckNamesWhatWasEdited", ""},
	{"a status is forged", "Consul's API, in mid-run", "nobody goes beside the batch, and the agent puts its own word back", "TestForgedStatus", ""},
	{"a status of another instance is forged", "Consul's API, in mid-run", "it counts as lost; the batch is kept", "TestForgedInstance", ""},
}

var doors = []row{
	{"anything in the environment", "control characters, no text at all, 128 KiB, for both programs", "told in words that can be shown; nothing is lost, nothing lies raw in Consul", "TestHostileEnvironment", ""},
	{"anything as the name of who asks, and as a reason", "ORCH_OPERATOR, --reason", "recorded as one line that can be shown", "TestHostileOperator", ""},
}

var access = []row{
	{"a read is denied", "policies", keepsWhatIs, "TestDeniedRead", ""},
	{"the agents lose the right to write", "policies, in mid-rollout", quiet, "TestFaultsOfAccess/the_agents'_rights_to_write_are_taken", ""},
	{"an agent loses every right", "policies, in mid-rollout", quiet, "TestFaultsOfAccess/an_agent_may_not_even_read", ""},
	{"an agent's token is deleted", "in mid-rollout", quiet, "TestFaultsOfAccess/an_agent's_token_is_deleted", ""},
	{"the leader loses the right to write", "policies, in mid-rollout", "it ends with 1 and says so; orch resume continues", "TestFaultsOfAccess/the_leader's_right_to_write_is_taken", ""},
	{"the leader's token is deleted", "in mid-rollout", "it ends with 1; orch resume continues", "TestFaultsOfAccess/the_leader's_token_is_deleted", ""},
	{"a token may not list", "policies", "denied, never an empty list", "TestFaultsOfAccess/what_a_token_may_not_list_is_not_taken_for_nothing", ""},
	{"no token at all", "an empty environment", "denied, with the way out", "TestFaultsOfAccess/nobody's_token", ""},
	{"tokens are rotated under agents", "files replaced, old ones deleted", "no restart, nothing missed", "TestTokensAreRotatedUnderAnAgent", ""},
	{"certificates are rotated under agents", "files replaced, authority replaced", "no restart, nothing missed", "TestCertificatesAreRotatedUnderAgents", ""},
	{"the server's certificate has expired", "TLS in front of Consul", told, "TestFaultsOfTLS/the_server's_certificate_has_expired", ""},
	{"the authority has expired", "its certificate made anew, ended", told, "TestFaultsOfTLS/the_authority_has_expired", ""},
	{"the server's certificate is for another name", "TLS in front of Consul", told, "TestFaultsOfTLS/the_server's_certificate_is_for_another_name", ""},
	{"the agents' certificate has expired", "files replaced", told, "TestFaultsOfTLS/a_client's_certificate_has_expired", ""},
	{"HTTP is spoken where HTTPS is, and the other way round", "addresses", "exit code 1, and why", "TestFaultsOfTLS/plain_HTTP_where_HTTPS_is_spoken", ""},
}

type chapter struct {
	Name string
	Rows []row
}

// chapters are the table, as it is read.
var chapters = []chapter{
	{"Consul's servers", servers}, {"Networks", network}, {"Leaders and the lease", leaders},
	{"Nodes and runs", nodes}, {"What lies in Consul", values}, {"The environment", doors}, {"Rights and certificates", access},
}
