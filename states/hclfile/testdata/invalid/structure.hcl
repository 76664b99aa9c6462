retries = 1 # ERROR: Unsupported argument

locals {} # ERROR: Unsupported block type

policy {
  gate "command" "x" {} # ERROR: Unsupported block type
}

policies {} # ERROR: Unsupported block type

cluster {} # ERROR: Missing name for cluster
