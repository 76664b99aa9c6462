// Package racetest tells a test whether the race detector watches it. Whatever does two things at once is
// watched whole; a long table that a single goroutine works through is a sample then, as watching takes ten
// times as long and finds nothing: make test works through all of it without the detector.
package racetest
