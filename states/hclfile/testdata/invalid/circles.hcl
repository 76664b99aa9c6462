template "tier" {
  initial = "off"
  state "off" { serving = false }
  state "on" {}
  state "version" {
    argument {}
  }
  transition "on" { from = ["off"] }
}

# Up in one order and down in the other is no circle.
cluster "front" {
  template = "tier"
  transition "on" {
    from = ["off"]
    requires "back" { states = ["on"] }
  }
}
cluster "back" {
  template = "tier"
  transition "off" {
    from = ["on"]
    requires "front" { states = ["off"] }
  }
}

# Each waits for the other.
cluster "hen" {
  template = "tier"
  transition "on" {
    from = ["off"]
    requires "egg" { states = ["on"] } # ERROR: Circle of requirements
  }
}
cluster "egg" {
  template = "tier"
  transition "on" {
    from = ["off"]
    requires "nest" { states = ["on"] }
  }
}
cluster "nest" {
  template = "tier"
  transition "on" {
    from = ["off"]
    requires "hen" { states = ["on"] }
  }
}

# One of the states that it names can be reached: no circle.
cluster "cat" {
  template = "tier"
  transition "on" {
    from = ["off"]
    requires "dog" { states = ["on", "off"] }
  }
}
cluster "dog" {
  template = "tier"
  transition "on" {
    from = ["off"]
    requires "cat" { states = ["on"] }
    gate "consul_check" "calm" { # ERROR: Gate that never holds
      service     = "dog"
      passing_for = "5m"
      timeout     = "2m"
    }
  }
}
