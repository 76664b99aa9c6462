given  = "c" # ERROR: Unknown value
givven = "a" # ERROR: Unknown variable
