package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"orch/states"
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
func decode[T any](pair Pair) states.Doc[T] {
	doc := states.Doc[T]{Index: pair.Index}
	if pair.Index == 0 {
		return doc
	}
	value, err := parse[T](pair.Value)
	if err != nil {
		doc.Problem = err.Error()
		return doc
	}
	doc.Value = value
	return doc
}

const (
	maxDepth    = 64
	maxDocument = 512 * 1024
)

func parse[T any](text []byte) (value T, err error) {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return value, errors.New("it is empty")
	case len(text) > maxDocument:
		return value, fmt.Errorf("it has %d bytes, and no document has more than %d", len(text), maxDocument)
	case !utf8.Valid(text):
		return value, errors.New("it is not UTF-8")
	}
	if err := wellFormed(text); err != nil {
		return value, fmt.Errorf("it is not JSON as orch writes it: %w", err)
	}
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return value, fmt.Errorf("it is not a document: %w", err)
	}
	switch {
	case head.Schema == nil:
		return value, errors.New("it has no schema number")
	case *head.Schema != states.Schema:
		return value, fmt.Errorf("its schema is %d, and this version understands %d", *head.Schema, states.Schema)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return value, fmt.Errorf("it is not a document: %w", err)
	}
	if v, ok := any(value).(validator); ok {
		if err := v.Validate(); err != nil {
			return value, fmt.Errorf("its values are not possible: %w", err)
		}
	}
	return value, nil
}

// wellFormed refuses what a JSON decoder lets pass: a name twice in one object, something after the
// end, nesting without measure.
func wellFormed(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var open []map[string]bool // names of each open object; nil for an array
	name := false              // the next string is a name
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && len(open) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			if len(open) > maxDepth {
				return fmt.Errorf("nested more than %d deep", maxDepth)
			}
			name = len(open) > 0 && open[len(open)-1] != nil
			if len(open) == 0 {
				return trailing(decoder)
			}
			continue
		case string:
			if name {
				names := open[len(open)-1]
				if names[t] {
					return fmt.Errorf("the name %q is there twice", states.Clip(t, 40))
				}
				names[t] = true
				name = false
				continue
			}
		}
		if len(open) == 0 {
			return errors.New("it is no object")
		}
		name = open[len(open)-1] != nil
	}
}

func trailing(decoder *json.Decoder) error {
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}
