# Two clusters that share a shape: a database, and the web tier in front of it.
#
# The story: both have the same states, so they are written once, in a template. The database goes
# one node at a time and stops at the first failure; the web tier is larger and goes faster, and
# tells its nodes which artifact a release is.
#
#   orch validate hcl-examples/web-db
#   orch apply hcl-examples/web-db                               # staging's repository
#   orch apply --var environment=prod hcl-examples/web-db        # or production's
#   orch transition db converged                                 # first the database …
#   orch transition web converged                                # … then what needs it
#   orch transition web version 7 --reason CHG-7
#   orch status                                                  # both, a line each

variable "environment" {
  description = "where this is applied"
  one_of      = ["prod", "staging"]
  default     = "staging"
}

policy {
  converge_timeout = "10m"
  retries          = 1
}

template "tier" {
  initial = "off"

  state "off" { serving = false }
  state "waiting" { serving = false }
  state "converged" {}
  state "version" {
    attributes = { artifact = "https://${var.environment}.repo.example/${cluster.name}-${argument}.tgz" }
    argument { pattern = "[0-9]+" }
  }

  transition "off" {
    from    = ["*"]
    batches = ["100%"]
  }
  transition "waiting" { from = ["off"] }
  transition "converged" { from = ["waiting", "version"] }
  transition "version" { from = ["converged", "version"] }
}

cluster "db" {
  template    = "tier"
  description = "one node at a time"
}

cluster "web" {
  template    = "tier"
  description = "a canary, then a third at a time"

  policy {
    batches      = [1, "33%"]
    max_failures = 1
  }
}
