// Package strict reads one JSON document as orch writes it, and nothing that only looks like one.
//
// The standard decoder is lenient where two readers of one text could understand two things: it takes
// a name twice, "Epoch" and even "epoc\u212a" for "epoch", what is not UTF-8, and, of a stream, the
// first of many. Everything that is read back from a store or a file and acted on is read here.
//
// What a document may hold is its own business; a name that nobody knows is passed over.
package strict
