cluster   = "web"
state_dir = "/var/lib/convergeagent"
every     = "1s" # ERROR: Out of range
splay     = "soon" # ERROR: Not a duration

converge "exec" { command = ["/bin/converge", "${state}"] }

state "a" {
  check { # ERROR: Missing required argument
    every    = "500ms" # ERROR: Out of range
    timeout  = 30 # ERROR: Not a duration
    on_drift = "mend" # ERROR: Unknown value
    interval = "5m" # ERROR: Unsupported argument
  }
}
state "b" {
  check {
    command = ["${state}"] # ERROR: Not a program
    every   = "10s"
    timeout = "11s" # ERROR: Out of range
    splay   = "1m" # ERROR: Out of range
  }
  check { command = ["/bin/true"] } # ERROR: Duplicate check
}
state "c" {
  check {
    command = "/bin/true" # ERROR: Not a command
    timeout = "0s" # ERROR: Out of range
    splay   = "-1s" # ERROR: Out of range
  }
}

action "Migrate" { # ERROR: Bad name
  command = ["/bin/migrate", "--to=${argument}"] # ERROR: Not a whole argument
}
action "migrate" {
  command = ["/bin/migrate", "${state}"] # ERROR: Not a whole argument
  timeout = "0s" # ERROR: Out of range
}
action "migrate" { command = ["/bin/migrate"] } # ERROR: Duplicate action
