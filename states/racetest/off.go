//go:build !race

package racetest

const (
	// On tells whether the race detector is in this program: it takes memory and time of its own.
	On = false
	// Every is the step through a long table in which nothing happens at once.
	Every = 1
)
