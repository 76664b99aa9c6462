// Package hclfile turns the text that people write into the vocabulary of states, and back.
//
// It is the only room that knows HCL. Load reads files as they are written: variables, templates,
// policies, and every mistake with its line. Render writes a definition as it lies in Consul, with
// variables resolved and defaults spelled out, and Parse reads that back. LoadAgent reads an
// agent's own configuration and LoadLeader that of a machine from which clusters are led, Format
// lays a file out.
//
// The commands may call it, and whoever reads a definition back from Consul. Nothing of HCL leaves
// it: no ranges, no expressions, no values, so that the language can grow without touching an
// engine. What holds for a definition wherever it came from is not decided here but in
// states.Cluster.Check; this room only finds the line for it.
//
// What happens to a text on its way in:
//
//	source.go     bytes -> blocks; a syntax error stops only the block around it
//	variable.go   what var.x is
//	cluster.go    one cluster out of its template, the policies and its own words
//	value.go …    one attribute -> one Go value, or a diagnostic
//	check.go      problems of package states -> diagnostics with a line
package hclfile
