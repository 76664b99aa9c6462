package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"orch/states"
)

// maxDepth is far more than any document has, and far less than what costs a reader its stack.
const maxDepth = 64

// Decode reads a document into what a pointer points to. After an error nothing of it may be used.
func Decode(text []byte, into any) error {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return errors.New("it is empty")
	case !utf8.Valid(text):
		return errors.New("it is not UTF-8")
	}
	w := walk{decoder: json.NewDecoder(bytes.NewReader(text)), root: reflect.TypeOf(into).Elem()}
	if err := w.document(); err != nil {
		return fmt.Errorf("it is not JSON as orch writes it: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("it is not a document: %w", err)
	}
	return nil
}

// walk goes through a text token by token, beside the type that it is meant for.
type walk struct {
	decoder *json.Decoder
	root    reflect.Type
	open    []level
}

// level is an object or a list that is not closed yet.
type level struct {
	of    reflect.Type    // that it is read into; nil: nobody reads it
	names map[string]bool // of an object so far; nil: a list
	value bool            // in an object: a name was read, and its value comes next
	next  reflect.Type    // that the next value is read into
}

// document reads one object, and that nothing follows it.
func (w *walk) document() error {
	for {
		token, err := w.decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		if err := w.take(token); err != nil {
			return err
		}
		if len(w.open) == 0 {
			break
		}
	}
	if _, err := w.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}

func (w *walk) take(token json.Token) error {
	if token == json.Delim('}') || token == json.Delim(']') {
		w.open = w.open[:len(w.open)-1]
		return nil
	}
	of := w.root
	if len(w.open) > 0 {
		top := &w.open[len(w.open)-1]
		if name, isText := token.(string); isText && top.names != nil && !top.value {
			return top.name(name)
		}
		top.value, of = false, top.next
	}
	switch token {
	case json.Delim('{'):
		w.open = append(w.open, level{of: settle(of), names: map[string]bool{}})
	case json.Delim('['):
		w.open = append(w.open, level{of: settle(of), next: element(settle(of))})
	}
	switch {
	case len(w.open) == 0 || w.open[0].names == nil:
		return errors.New("it is no object")
	case len(w.open) > maxDepth:
		return fmt.Errorf("nested more than %d deep", maxDepth)
	}
	return nil
}

// name takes the name of a value in an object.
func (l *level) name(name string) error {
	if l.names[name] {
		return fmt.Errorf("the name %q is there twice", states.Clip(name, 40))
	}
	l.names[name], l.value, l.next = true, true, element(l.of)
	if l.of == nil || l.of.Kind() != reflect.Struct {
		return nil
	}
	of, known := fields(l.of)[name]
	if l.next = of; known {
		return nil
	}
	for own := range fields(l.of) { // the decoder would take the one for the other
		if strings.EqualFold(own, name) {
			return fmt.Errorf("the name %q is spelled otherwise: %q", name, own)
		}
	}
	return nil
}
