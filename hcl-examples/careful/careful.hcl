# A release that moves carefully: a database first, then the web tier in front of it.
#
# The story: web needs db to be where it has to be. One node goes first and is looked at; a program of
# this machine is asked after every batch; racks go one after the other; half of the nodes always
# serve. Whatever goes wrong is rolled back, by itself or because somebody says so.
#
# The gate "smoke" is a program of whoever leads, named in that machine's own file. The one beside this
# example always says yes:
#
#   export ORCH_CONFIG=$PWD/hcl-examples/careful/leader/orch.hcl
#
# A first release, which has to wait for the database and for a person:
#
#   orch validate hcl-examples/careful
#   orch apply hcl-examples/careful
#   orch plan web version 1                             # ends with 6: db is not where web needs it
#   orch transition db converged
#   orch transition web version 1                       # ends with 3: the canary is over, and waits for approval
#   orch why web
#   orch approve web --reason "looks good"              # leads on, until everybody is there
#   orch transition web version 2                       # ends with 3
#   orch rollback web --reason "errors in the shop"     # only the canary goes back
#   orch hold web web-03 --reason "disk swap" --until 2h
#   orch reconverge web --reason "new certificates"     # ends with 3: the same care as any move
#   orch approve web
#   orch unhold web web-03
#   orch history web

policy {
  converge_timeout = "5m"
}

cluster "db" {
  description = "one node at a time"
  initial     = "off"

  state "off" { serving = false }
  state "converged" {}

  transition "off" {
    from    = ["*"]
    batches = ["100%"]
  }
  transition "converged" { from = ["off"] }
}

cluster "web" {
  description = "needs db"
  initial     = "off"

  state "off" { serving = false }
  state "version" {
    argument { pattern = "[0-9]+" }
  }

  transition "off" {
    from    = ["*"]
    batches = ["100%"]
  }

  transition "version" {
    from    = ["off", "version"]
    batches = [1, "50%"]

    # Who goes together, and how many stay.
    group_by    = "rack" # the agents say which: convergeagent --meta rack=r1
    min_healthy = "50%"

    # What is waited for.
    approve          = "after_first_batch"
    soak             = "1s"
    first_group_soak = "2s"

    # What a failure does.
    on_failure        = "rollback"
    progress_deadline = "10m"

    requires "db" {
      states = ["converged"]
    }

    gate "command" "smoke" {
      timeout = "30s"
    }

    rollback {
      batches = ["100%"]
    }
  }
}
