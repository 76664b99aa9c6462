cluster "web" {
  initial = "off"
  state "off" {}
  state "on" {}
  state "version" {
    argument { pattern = "[0-9]+" }
  }
  transition "of" { # ERROR: Unknown state
    from = ["on"]
  }
  transition "off" {} # ERROR: Transition from nowhere
  transition "on" {
    from = ["off", "of"] # ERROR: Unknown state
    requires "web" { states = ["off"] } # ERROR: Cluster needs itself
    requires "dbb" { states = ["off"] } # ERROR: Unknown cluster
    requires "app" {} # ERROR: Requirement without states
    requires "db" {
      states = [
        "on",         # ERROR: Unknown state
        "version x",  # ERROR: Argument that cannot be
        "off 1",      # ERROR: Argument that cannot be
        "version 42",
        "version",
        "a b c", # ERROR: Not a state
      ]
    }
  }
  transition "version" {
    from = "on" # ERROR: Not a list
  }
}

cluster "db" {
  initial = "off"
  state "off" {}
  state "version" {
    argument { pattern = "[0-9]+" }
  }
}

cluster "app" {
  initial = "off"
  state "off" {}
}
