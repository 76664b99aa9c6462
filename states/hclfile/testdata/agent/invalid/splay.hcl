cluster   = "web"
state_dir = "/var/lib/convergeagent"
every     = "30m"
splay     = "31m" # ERROR: Out of range

converge "exec" { command = ["/bin/converge", "${state}"] }
action "migrate" { command = [] } # ERROR: Not a command
