package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
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
	w := walk{text: string(text)}
	if err := w.document(shapeOf(reflect.TypeOf(into).Elem())); err != nil && err != errSyntax {
		return fmt.Errorf("it is not JSON as orch writes it: %w", err)
	}
	err := json.Unmarshal(text, into)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not JSON as orch writes it: %w", err)
	case err != nil:
		return fmt.Errorf("it is not a document: %w", err)
	}
	return nil
}

// walk goes through a text beside the shape that it is meant for. It looks at names and at depth, and
// leaves it to the decoder whether the rest is JSON.
type walk struct {
	text  string
	at    int
	names []string // of all objects that are open, those of the innermost last
}

// errSyntax means that this is no JSON.
var errSyntax = errors.New("it is not JSON")

// document reads one object, and that nothing follows it.
func (w *walk) document(of *shape) error {
	switch c := w.next(); {
	case c == '{':
	case strings.IndexByte(`["tfn-0123456789`, c) >= 0:
		return errors.New("it is no object")
	default:
		return errSyntax
	}
	if err := w.value(of, 0); err != nil {
		return err
	}
	if w.next(); w.at < len(w.text) {
		return errors.New("something follows its end")
	}
	return nil
}

// next gives the byte that comes next, which is no space; 0: none does.
func (w *walk) next() byte {
	for ; w.at < len(w.text); w.at++ {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// value reads what comes next, in so many objects and lists.
func (w *walk) value(of *shape, depth int) error {
	switch c := w.next(); {
	case (c == '{' || c == '[') && depth == maxDepth:
		return fmt.Errorf("nested more than %d deep", maxDepth)
	case c == '{':
		return w.object(of, depth+1)
	case c == '[':
		return w.list(of.element(), depth+1)
	case c == '"':
		_, err := w.quoted()
		return err
	}
	for ; w.at < len(w.text); w.at++ {
		switch w.text[w.at] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return nil
		}
	}
	return nil
}

func (w *walk) list(of *shape, depth int) error {
	if w.at++; w.next() == ']' {
		w.at++
		return nil
	}
	for {
		if err := w.value(of, depth); err != nil {
			return err
		}
		if over, err := w.more(']'); over {
			return err
		}
	}
}

// more reads what comes after a value in an object or a list, and tells whether that was the end of it.
func (w *walk) more(end byte) (over bool, err error) {
	c := w.next()
	w.at++
	switch c {
	case ',':
		return false, nil
	case end:
		return true, nil
	}
	return true, errSyntax
}

func (w *walk) object(of *shape, depth int) error {
	first := len(w.names)
	if w.at++; w.next() == '}' {
		w.at++
		return nil
	}
	for {
		next, err := w.name(of)
		if err != nil {
			return err
		}
		if err := w.value(next, depth); err != nil {
			return err
		}
		if over, err := w.more('}'); err != nil {
			return err
		} else if over {
			return w.close(first)
		}
	}
}

// close forgets the names of the innermost object, none of which may be there twice.
func (w *walk) close(first int) error {
	names := w.names[first:]
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return fmt.Errorf("the name %q is there twice", states.Clip(names[i], 40))
		}
	}
	w.names = w.names[:first]
	return nil
}

// name reads a name and its colon, and gives the shape of its value. One that is spelled otherwise than
// a field's would be taken for it by the decoder.
func (w *walk) name(of *shape) (*shape, error) {
	if w.next() != '"' {
		return nil, errSyntax
	}
	name, err := w.quoted()
	if err != nil || w.next() != ':' {
		return nil, errSyntax
	}
	w.at++
	w.names = append(w.names, name)
	if of == nil || of.fields == nil {
		return of.element(), nil
	}
	next, known := of.fields[name]
	if known {
		return next, nil
	}
	for own := range of.fields {
		if strings.EqualFold(own, name) {
			return nil, fmt.Errorf("the name %q is spelled otherwise: %q", name, own)
		}
	}
	return nil, nil
}

// quoted reads a text in quotes.
func (w *walk) quoted() (string, error) {
	begin, plain := w.at, true
	for w.at++; w.at < len(w.text); w.at++ {
		switch w.text[w.at] {
		case '\\':
			plain = false
			w.at++
		case '"':
			w.at++
			if plain {
				return w.text[begin+1 : w.at-1], nil
			}
			var text string
			err := json.Unmarshal([]byte(w.text[begin:w.at]), &text)
			return text, err
		}
	}
	return "", errSyntax
}
