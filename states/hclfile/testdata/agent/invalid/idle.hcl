cluster   = "web" # ERROR: Nothing to run
state_dir = "/var/lib/convergeagent"
