# Nothing is asked on this machine.
