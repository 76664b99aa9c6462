template "unused" {
  state "on" {
    attributes = { a = "${argument}" } # ERROR: No argument here
  }
}

cluster "web" {
  initial     = "off"
  description = "at ${argument}" # ERROR: No argument here
  state "off" {}
  state "version" {
    argument {}
    attributes = {
      fine      = "v${argument}-${argument}.tgz"
      alone     = "${argument}"
      chosen    = true ? "a${argument}" : "b"
      unquoted  = argument # ERROR: Argument in an expression
      compared  = "x-${argument == "1" ? "a" : "b"}" # ERROR: Argument in an expression
      condition = argument == "1" ? "a" : "b" # ERROR: Argument in an expression
      attribute = "${argument.x}" # ERROR: Argument in an expression
      loop      = "%{for x in [argument]}${x}%{endfor}" # ERROR: Argument in an expression
    }
  }
  transition "version" {
    from = ["${argument}"] # ERROR: No argument here
    gate "http" "a" { url = "https://x/${argument}" }
    gate "http" "b" { url = "https://x/${argument == "1"}" } # ERROR: Argument in an expression
  }
}
