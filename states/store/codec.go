package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"orch/states"
	"orch/states/strict"
)

// encode writes a document as people will read it in the Consul UI: indented, unless it is so large
// that nobody reads it there, and the spaces would be half of what a transaction can carry.
func encode(document any) []byte {
	text := marshal(document, "  ")
	if len(text) > maxReadable {
		text = marshal(document, "")
	}
	return text
}

const maxReadable = 64 * 1024

func marshal(document any, indent string) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(document); err != nil {
		panic(fmt.Sprintf("encode %T: %v", document, err)) // our own types can always be written
	}
	return text.Bytes()
}

// validator is a document that knows its impossible values.
type validator interface{ Validate() error }

// decode reads a document. It never fails: what cannot be used comes with its problem. Fields that
// it does not know are passed over, so that an old agent reads a newer leader's documents of the
// same schema; a new meaning has a new schema number.
func decode[T any](m *Memo, pair Pair) states.Doc[T] {
	return recall(m, plain, pair, read[T])
}

func read[T any](pair Pair) states.Doc[T] {
	doc := states.Doc[T]{Index: pair.Index}
	if pair.Index == 0 {
		return doc
	}
	value, err := parse[T](pair.Value)
	if err != nil {
		doc.Problem = problem(err)
		return doc
	}
	doc.Value = value
	return doc
}

const maxDocument = 512 * 1024

// problem tells why a document cannot be used, in words that may be shown and reported on: whoever
// wrote the document also chose part of them.
func problem(err error) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, err.Error())
	return states.Clip(text, 400)
}

// head is what every document has.
type head struct {
	Schema *int `json:"schema"`
}

// strange says why a document is none of this schema, whatever else may be wrong with it.
func strange(text []byte) error {
	var head head
	if err := strict.Decode(text, &head); err != nil {
		return err
	}
	switch {
	case head.Schema == nil:
		return errors.New("it has no schema number")
	case *head.Schema != states.Schema: // the rest may mean anything
		return fmt.Errorf("its schema is %d, and this version understands %d", *head.Schema, states.Schema)
	}
	return nil
}

func parse[T any](text []byte) (value T, err error) {
	if len(text) > maxDocument {
		return value, fmt.Errorf("it has %d bytes, and no document has more than %d", len(text), maxDocument)
	}
	err = strict.Decode(text, &value)
	if err != nil || reflect.ValueOf(value).FieldByName("Schema").Int() != states.Schema {
		return value, cmp.Or(strange(text), err)
	}
	if v, ok := any(value).(validator); ok {
		if err := v.Validate(); err != nil {
			return value, fmt.Errorf("its values are not possible: %w", err)
		}
	}
	return value, nil
}
