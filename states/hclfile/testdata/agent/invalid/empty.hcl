meta = {} # ERROR: Missing required argument
