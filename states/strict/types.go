package strict

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

var (
	readsJSON = reflect.TypeFor[json.Unmarshaler]()
	readsText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// shape is what names mean to a type. Nil: nobody reads them.
type shape struct {
	fields map[string]*shape // of a struct, as in JSON; nil: it is none
	inner  *shape            // of what a list or a map holds
}

// element gives the shape of what is inside of a list or a map.
func (s *shape) element() *shape {
	if s == nil {
		return nil
	}
	return s.inner
}

var shapes = struct {
	sync.Mutex
	of map[reflect.Type]*shape
}{of: map[reflect.Type]*shape{}}

func shapeOf(t reflect.Type) *shape {
	shapes.Lock()
	defer shapes.Unlock()
	return learn(t)
}

// learn finds the shape behind pointers. A type that reads itself has none, and one that holds itself
// finds its own.
func learn(t reflect.Type) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	known, found := shapes.of[t]
	if found || reflect.PointerTo(t).Implements(readsJSON) || reflect.PointerTo(t).Implements(readsText) {
		return known
	}
	s := &shape{}
	shapes.of[t] = s
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		s.inner = learn(t.Elem())
	case reflect.Struct:
		s.fields = map[string]*shape{}
		for _, field := range reflect.VisibleFields(t) {
			if name := named(field); name != "" {
				s.fields[name] = learn(field.Type)
			}
		}
	}
	return s
}

// named gives the name that a field has in JSON, or "".
func named(field reflect.StructField) string {
	tag := field.Tag.Get("json")
	name, _, _ := strings.Cut(tag, ",")
	switch {
	case !field.IsExported() || tag == "-" || field.Anonymous && name == "":
		return ""
	case name == "":
		return field.Name
	}
	return name
}
