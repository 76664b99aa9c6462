// Package hostiletest finds where in a document somebody may put what they like, for the tests of whoever
// reads documents: agents that act on them, commands that show them.
package hostiletest

import (
	"reflect"
	"time"
)

// Place is one string of a document, and how a test sets it.
type Place struct {
	Name string
	Set  func(document reflect.Value, value string)
}

// places finds every string of a type, at every depth: a field that is added tomorrow is among them.
func places(of reflect.Type, name string, reach func(reflect.Value) reflect.Value) (all []Place) {
	switch {
	case of == reflect.TypeFor[time.Time]():
	case of.Kind() == reflect.String:
		all = append(all, Place{name, func(d reflect.Value, v string) { reach(d).SetString(v) }})
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			all = append(all, places(of.Field(i).Type, name+"."+of.Field(i).Name, func(d reflect.Value) reflect.Value { return reach(d).Field(i) })...)
		}
	case of.Kind() == reflect.Pointer:
		all = places(of.Elem(), name, func(d reflect.Value) reflect.Value {
			p := reach(d)
			if p.IsNil() {
				p.Set(reflect.New(of.Elem()))
			}
			return p.Elem()
		})
	case of.Kind() == reflect.Slice && of.Elem().Kind() != reflect.Uint8:
		all = places(of.Elem(), name+"[]", func(d reflect.Value) reflect.Value { return lastOf(reach(d)) })
	case of.Kind() == reflect.Map && of.Elem().Kind() == reflect.String:
		put := func(key bool) func(reflect.Value, string) {
			return func(d reflect.Value, v string) {
				m, k := reflect.MakeMap(of), "key"
				if key {
					k = v
				}
				m.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(v))
				reach(d).Set(m)
			}
		}
		all = append(all, Place{name + "{key}", put(true)}, Place{name + "{value}", put(false)})
	}
	return all
}

// lastOf gives the last element of a slice, which has one after that.
func lastOf(slice reflect.Value) reflect.Value {
	if slice.Len() == 0 {
		slice.Set(reflect.Append(slice, reflect.Zero(slice.Type().Elem())))
	}
	return slice.Index(slice.Len() - 1)
}

// Places finds every string of a type of documents, at every depth: a field that is added tomorrow is
// among them. Whoever tests a reader of such documents puts something into each.
func Places[T any]() []Place {
	return places(reflect.TypeFor[T](), reflect.TypeFor[T]().Name(), func(v reflect.Value) reflect.Value { return v })
}
