cluster = = "web" # ERROR: Invalid expression
