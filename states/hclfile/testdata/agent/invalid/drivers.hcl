cluster   = "web"
state_dir = "/var/lib/convergeagent"

converge "puppet" { # ERROR: Manifest or agent
  binary      = "puppet" # ERROR: Not an absolute path
  environment = "--noop" # ERROR: Not a name
  modulepath  = ["/a:/b"] # ERROR: Not an absolute path
  vardir      = "var" # ERROR: Not an absolute path
  args        = ["--debug", "--noop"] # ERROR: Not a converge
  server      = "puppet" # ERROR: Unsupported argument
}
state "a" {
  converge "puppet" {
    manifest   = "site.pp" # ERROR: Not an absolute path
    modulepath = ["modules"] # ERROR: Not an absolute path
  }
}
state "b" {
  converge "chef" {
    binary           = "chef-client" # ERROR: Not an absolute path
    config           = "client.rb" # ERROR: Not an absolute path
    runlist          = ["role[a],role[b]"] # ERROR: Not a name
    override_runlist = ["-W"] # ERROR: Not a name
    args             = ["-W"] # ERROR: Not a converge
  }
}
state "c" {
  converge "ansible" { # ERROR: Missing required argument
    inventory = "hosts" # ERROR: Not an absolute path
    tags      = [""] # ERROR: Not a name
    args      = ["--check"] # ERROR: Not a converge
  }
}
state "d" {
  converge "ansible" {
    playbook = "${state}" # ERROR: Variables not allowed
    args     = ["--extra-vars=${argument}"] # ERROR: No argument here
  }
}
state "e" {
  converge "puppet" {
    manifest = "/etc/puppet/site.pp"
    args     = "--debug" # ERROR: Not a list
  }
}
