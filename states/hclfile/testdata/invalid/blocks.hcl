cluster "web" {
  initial = "off"
  state "off" {}
  state "on" {}
  transition "on" {
    from = ["off"]
    gate "consul_check" "silent" {} # ERROR: Gate that asks nothing
    gate "consul_check" "both" { # ERROR: Gate that asks nothing
      service = "web"
      checks  = ["a"]
    }
    gate "prometheus" "load" {} # ERROR: Unknown gate
    gate "http" "nowhere" {} # ERROR: Missing required argument
    gate "http" "ftp" { url = "ftp://lb.example" } # ERROR: Not an address
    gate "http" "hole" { url = "https://lb.example/${argument}" } # ERROR: No argument here
    gate "command" "lag" { query = "x" } # ERROR: Unsupported argument
    gate "http" {} # ERROR: Missing name for gate
    drain "web" "now" {} # ERROR: Extraneous label for drain
    primary { # ERROR: Unclear primary
      lock    = "a"
      service = "b"
    }
  }
  transision "off" {} # ERROR: Unsupported block type
}

window "odd" { # ERROR: Missing required argument
}

window "night" {
  schedule  = "0 25 * * *" # ERROR: Not a schedule
  duration  = "0s" # ERROR: Out of range
  time_zone = "Mars/Olympus" # ERROR: Unknown time zone
  on_close  = "slam" # ERROR: Unknown value
  deny      = "yes" # ERROR: Not true or false
}

window "short" {
  schedule  = "0 22 * *" # ERROR: Not a schedule
  duration  = "6h"
  time_zone = "" # ERROR: Empty text
}
