# Everything that is allowed and looks as if it were not.
variable "dollars" { default = "$${x} %%{y} $$" }
variable "sizes" { default = [1, "50%"] }
variable "one" { default = "2" }

cluster "odd" {
  description = "quotes \" and ${var.dollars}\n\ttabs \\ é ☃ \u0007"
  initial     = "off"

  state "off" {
    serving    = false
    attributes = {}
  }
  state "on" {
    attributes = {
      "for"      = "a word of the language"
      "with.dot" = "not a name"
      number     = 5
      yes        = true
      heredoc    = <<-EOT
        two lines, ${cluster.name},
        and no argument
      EOT
    }
  }
  state "version" {
    argument {}
    attributes = {
      plain  = "v${argument}"
      twice  = "${argument}-${argument}"
      sign   = "$${argument} costs $$${var.dollars}${argument}"
      choice = var.one == "2" ? "a${argument}" : "b"
      inner  = "x${true ? "y${argument}" : "z"}"
      parens = ("p${argument}")
    }
  }

  transition "off" {
    from    = ["*"]
    batches = var.sizes
  }
  transition "on" {
    from         = var.one == "1" ? ["version"] : ["off", "on"]
    batches      = [var.one, 3]
    max_failures = var.one
    soak         = "1h30m"
  }
  transition "version" {
    from              = ["on"]
    progress_deadline = "5m"
    seed              = 5
    node_order        = "random"
    primary {
      service = "db"
      tag     = "primary"
    }
    rollback {
      progress_deadline = "0s"
      seed              = 0
      node_order        = "name"
    }
  }
}
