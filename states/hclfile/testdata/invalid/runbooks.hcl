cluster "db" {
  initial = "off"
  state "off" {}
  state "version" {
    argument {}
  }
}

runbook "empty" {} # ERROR: No steps

runbook "release" {
  input "release" {}
  input "release" {} # ERROR: Duplicate input
  input "schema" { pattern = "[" } # ERROR: Bad pattern

  step "a" {
    after    = ["x"] # ERROR: Unknown step
    clusters = ["db"]
    state    = "version"
    argument = input.relese # ERROR: Unknown input
  }
  step "a" { # ERROR: Duplicate step
    approve = "?"
  }
  step "b" { # ERROR: Unclear step
    approve = "?"
    once {
      cluster = "db"
      action  = "migrate"
    }
  }
  step "c" { # ERROR: Step without clusters
    state = "off"
  }
  step "d" { # ERROR: Step without a state
    approve  = "?"
    clusters = ["db"]
  }
  step "e" {
    clusters = ["db"]
    state    = "off"
    lockstep = true # ERROR: Lockstep of one
  }
  step "f" {
    clusters = ["db", "dbb"] # ERROR: Unknown cluster
    state    = "on" # ERROR: Unknown state
  }
  step "g" {
    clusters = ["db"]
    state    = "off" # ERROR: Argument that cannot be
    argument = input.release
  }
  step "h" {
    clusters = ["db"]
    state    = "version"
    argument = "v${input.release}" # ERROR: Input in an expression
  }
  step "i" {
    after = ["j"] # ERROR: Steps that wait for each other
    undo  = "later" # ERROR: Unknown value
    once {} # ERROR: Missing required argument
  }
  step "j" {
    after = ["i"] # ERROR: Steps that wait for each other
    approve = "?"
  }
}
