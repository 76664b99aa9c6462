# One cluster that serves the web, and how it may be moved.
#
# The story: nodes are born "off" and stay so until somebody says otherwise. On the way to
# "converged" every node is first laid down ("waiting"), one canary and then two at a time, and only
# when all of them are does the first one begin to serve. A release is a move to "version N".
#
#   orch validate hcl-examples/web            # is this right?
#   orch apply hcl-examples/web               # make it known; the cluster is born "off"
#   orch plan web converged                   # what would happen, batch by batch
#   orch transition web converged             # off -> waiting -> converged
#   orch transition web version 41            # a release, one canary first
#   orch status web                           # who is where
#   orch why web                              # why nothing moves, if nothing moves
#   orch pause web                            # nobody else is let go; orch resume web goes on
#   orch transition web off                   # everybody at once; asks first, because it stops serving
#
# A fleet that already serves release 41 is adopted instead of born. Nothing is touched, and its nodes
# converge, batch by batch, only when somebody says so:
#
#   orch apply --initial "version 41" hcl-examples/web
#   orch resume web
#
# A node that was down meanwhile, or that is added later, goes to where the cluster is by itself,
# with no orch running.

policy {
  converge_timeout = "5m"
  retries          = 1
  retry_delay      = "5s"
}

cluster "web" {
  description = "the public web tier"
  initial     = "off"

  state "off" {
    description = "nothing runs"
    serving     = false
  }

  state "waiting" {
    description = "laid down, not serving"
    serving     = false
  }

  state "converged" {
    description = "serves the release that configuration management knows"
  }

  state "version" {
    description = "serves one release, chosen by number"
    attributes  = { artifact = "https://repo.example/web/${argument}.tgz" }

    argument {
      description = "release number"
      pattern     = "[0-9]+"
    }
  }

  # From any other state, all nodes at once.
  transition "off" {
    from    = ["*"]
    batches = ["100%"]
  }

  transition "waiting" {
    from    = ["off"]
    batches = [1, 2]
  }

  transition "converged" {
    from    = ["waiting", "version"]
    batches = [1, 2]
  }

  # One canary, a quarter of the nodes that are alive then, then half of them at a time. One failed
  # node in twenty is tolerated; one more stops, and nobody else is let go.
  transition "version" {
    from         = ["converged", "version"]
    batches      = [1, "25%", "50%"]
    max_failures = "5%"
    on_failure   = "pause"
    on_lost      = "fail"
  }
}
