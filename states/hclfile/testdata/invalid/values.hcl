policy {
  batches          = [] # ERROR: Not a list of batch sizes
  converge_timeout = "0s" # ERROR: Out of range
  retries          = 1.5 # ERROR: Not a whole number
  retry_delay      = "-5s" # ERROR: Out of range
  max_failures     = "5" # ERROR: Number in quotes
  min_healthy      = "101%" # ERROR: Out of range
  batch_failures   = true # ERROR: Not a number or a percentage
  seed             = "7" # ERROR: Not a whole number
  soak             = 30 # ERROR: Not a duration
  group_by         = null # ERROR: No value
  on_lost          = "ignore" # ERROR: Unknown value
  joiners          = ["stable"] # ERROR: Not a text
  approve          = cluster.name # ERROR: Unknown value
  on_failure       = max("a") # ERROR: Function calls not allowed
}

cluster "web" {
  initial = "off"
  state "off" {
    serving    = 1 # ERROR: Not true or false
    attributes = ["x"] # ERROR: Not a map
  }
  state "on" {
    attributes = {
      list = [1, 2] # ERROR: Not a text
      (5)  = "x" # ERROR: Not a text
    }
  }
  transition "on" {
    from    = ["off", 5] # ERROR: Not a text
    batches = 1 == 1 ? [0] : [1] # ERROR: Out of range
  }
  transition "off" {
    from    = "on" == 1 ? ["on"] : 5 # ERROR: Not a list
    batches = "yes" ? [1] : [2] # ERROR: Not true or false
  }
}
