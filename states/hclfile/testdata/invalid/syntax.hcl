variable "here" {
  default = = "x" # ERROR: Invalid expression
}

template "tier" {
  initial = "off"
  state "off" {
    serving = fals e # ERROR: Missing newline after argument
  }
}

cluster "web" {
  template = "tier"
  initial  = var.here
  transition "offf" {
    from = ["onn"]
    soak = 5 # ERROR: Not a duration
  }
}

cluster "open" {
  state "off" { # ERROR: Unclosed configuration block

cluster "db" { # the block above is never closed, and this one is read all the same
  initial = "of" # ERROR: Unknown state
  state "off" {}
  transition "off" {
    from = ["*"]
    requires "open" { states = ["whatever"] }
  }
}
