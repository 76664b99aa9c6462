gate "Lag" { # ERROR: Bad name
  command = ["/bin/lag"]
}
gate "a" {} # ERROR: Missing required argument
gate "b" {
  command = "/bin/b --max 5" # ERROR: Not a command
}
gate "b" { # ERROR: Duplicate gate
  command = [] # ERROR: Not a command
}
gate "c" {
  command = ["lag", "5"] # ERROR: Not an absolute path
  timeout = "5s"         # ERROR: Unsupported argument
}
gate "d" {
  command = [
    "/bin/lag",
    5,               # ERROR: Not a text
    "--of=${state}", # ERROR: Not a plain text
  ]
}
gate "e" {
  command = ["${argument}"] # ERROR: Not a plain text
}
gate "f" {
  command = [var.program] # ERROR: Not a plain text
}
gate "g" {
  command = ["/bin/sh", upper("x")] # ERROR: Function calls not allowed
}
gate "h" {
  command = ["/bin/sh", null] # ERROR: No value
}
gate { # ERROR: Missing name for gate
  command = ["/bin/true"]
}
gates "i" {}  # ERROR: Unsupported block type
token = "abc" # ERROR: Unsupported argument
