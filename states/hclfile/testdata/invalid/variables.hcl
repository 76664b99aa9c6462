variable "missing" {} # ERROR: Variable without a value
variable "fallback" { # ERROR: Unknown value
  default = "c"
  one_of  = ["a", "b"]
}
variable "list" {
  default = "a"
  one_of  = "a" # ERROR: Not a list
}
variable "nested" {
  default = var.list # ERROR: Variables not allowed
}
variable "given" {
  one_of = ["a", "b"]
}

cluster "web" {
  initial = "off"
  state "off" {
    description = var.missing
    attributes  = { a = var.missing, b = "x-${var.nested}" }
  }
  state "on" {
    description = var.mising # ERROR: Unsupported attribute
    attributes  = { n = cluster.nam } # ERROR: Unsupported attribute
  }
  transition "on" {
    from    = [var.missing]
    batches = [var.missing]
    gate "consul_check" "x" { service = var.missing }
    primary { lock = var.missing }
  }
}
