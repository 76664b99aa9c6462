# Which program answers a gate when this machine leads a move. A definition only names a gate: gate
# "command" "smoke" { … }; nothing that lies in Consul can name a program. Nobody but root, and whoever
# calls orch, may be able to write this file. ORCH_CONFIG names another one.
#
# The first word is an absolute path, and there is no shell. Exit code 0 is a yes, 1 and 2 are a no; with
# any other nobody can tell, which pauses the move. The environment has ORCH_CLUSTER, ORCH_GATE,
# ORCH_STATE, ORCH_ARGUMENT, ORCH_TRANSITION and ORCH_BATCH.
#
#gate "smoke" {
#  command = ["/usr/local/sbin/smoke", "--fast"]
#}
