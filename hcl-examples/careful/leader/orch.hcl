# A leader's own file, /etc/orch/orch.hcl, or what ORCH_CONFIG names: which programs answer gates on
# this machine. Exit code 0 is a yes, 1 and 2 are a no; anything else means that nobody can tell, and
# pauses. Nothing that lies in Consul ever names a program.

gate "smoke" {
  command = ["/bin/true"]
}
