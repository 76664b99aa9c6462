// Orch moves clusters from state to state, and shows where they are and why. One file per verb:
// its options, its command, and what it does; verbs do not print, a renderer does. exit.go has
// every exit code, root.go the groups of the help.
package main

import (
	"os"
)

func main() {
	os.Exit(run(realApp(), os.Args[1:]))
}
