//go:build race

package racetest

const (
	// On tells whether the race detector is in this program: it takes memory and time of its own.
	On = true
	// Every is the step through a long table in which nothing happens at once. Odd, so that tables in
	// which every second row is of one kind are not halved by kind.
	Every = 7
)
