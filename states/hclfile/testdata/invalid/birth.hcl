cluster "nothing" {} # ERROR: No states

cluster "nowhere" { # ERROR: No initial state
  state "off" {}
}

cluster "lost" {
  initial = "of" # ERROR: Unknown state
  state "off" {}
}

cluster "picky" {
  initial = "version" # ERROR: Initial state with an argument
  state "version" {
    argument {}
  }
}

cluster "typed" {
  initial = 5 # ERROR: Not a text
  state "off" {}
}

cluster "misspelled" {
  template = "ofline" # ERROR: Unknown template
}

template "offline" {
  state "off" {
    argument { pattern = "(" } # ERROR: Bad pattern
  }
  transition "off" {
    from = ["*"]
    soak = "soon" # ERROR: Not a duration
  }
}
