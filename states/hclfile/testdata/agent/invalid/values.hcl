cluster   = "Web" # ERROR: Bad name
node      = "a/b" # ERROR: Bad name
state_dir = "var" # ERROR: Not an absolute path
observe   = "yes" # ERROR: Not true or false
log_level = "loud" # ERROR: Unknown value
lock_dir  = "run" # ERROR: Not an absolute path
splay     = "5s" # ERROR: Nothing to spread
meta      = { rack = 3 } # ERROR: Not a text
nodes     = "x" # ERROR: Unsupported argument

redact = [
  "password=(", # ERROR: Not a pattern
  "x*", # ERROR: Too wide a pattern
  5, # ERROR: Not a text
]

consul {
  address     = "" # ERROR: Empty text
  token_file  = "token" # ERROR: Not an absolute path
  token       = "secret" # ERROR: Unsupported argument
  client_cert = "/etc/convergeagent/agent.pem"
  client_key  = "agent.key" # ERROR: Not an absolute path
}
consul {} # ERROR: Duplicate consul

service "web" { id = "web" }
service "web" { id = "web-2" } # ERROR: Duplicate service
service "api" {} # ERROR: Missing required argument
service "db" { id = "" } # ERROR: Empty text
service "" { id = "x" } # ERROR: Empty text

converge "puppet" { # ERROR: Manifest or agent
  manifest = "/etc/puppet/site.pp"
  agent    = true
}

state "Off" { # ERROR: Bad name
  converge "salt" {} # ERROR: Unknown converge
}
state "off" {
  converge "exec" {
    command = ["/bin/converge", "--to=${state}"] # ERROR: Not a whole argument
    timeout = "1m" # ERROR: Not acted on yet
    env     = {} # ERROR: Not acted on yet
  }
  check {} # ERROR: Missing required argument
}
state "off" { # ERROR: Duplicate state
  converge "exec" {
    command = ["${argument}", "x"] # ERROR: Not a program
  }
}
state "a" {
  converge "exec" { command = [] } # ERROR: Not a command
}
state "b" {
  converge "exec" { command = ["/bin/x", "${node}"] } # ERROR: Not a whole argument
}
state "c" {
  converge "exec" { command = ["/bin/x", 5] } # ERROR: Not a text
}
state "d" {
  converge "exec" {} # ERROR: Missing required argument
}
