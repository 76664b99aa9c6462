package states

import (
	"reflect"
	"testing"
	"time"
)

// Every field counts, however deep it is: one that is forgotten would never be reported.
func TestStatusEqual(t *testing.T) {
	count := 0
	for n := 0; ; n++ {
		var one, same, other Status
		fill(reflect.ValueOf(&one).Elem(), new(int), -1)
		fill(reflect.ValueOf(&same).Elem(), new(int), -1)
		leaves := 0
		fill(reflect.ValueOf(&other).Elem(), &leaves, n)
		if !one.Equal(&same) {
			t.Fatal("the same are not equal")
		}
		if n == leaves {
			break
		}
		count++
		if one.Equal(&other) || reflect.DeepEqual(one, other) {
			t.Errorf("nobody notices that leaf %d of %d is another:\n%+v\n%+v", n, leaves, one, other)
		}
	}
	if empty := (Status{}); count < 60 || !empty.Equal(&Status{}) {
		t.Errorf("%d leaves were changed", count)
	}
}

// fill gives every leaf of a value something, and the n-th something else.
func fill(v reflect.Value, leaves *int, n int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(leaf(leaves, n), 0)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), leaves, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), leaves, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), leaves, n)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, leaves, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), value)
	case reflect.String:
		v.SetString(string(rune('a' + leaf(leaves, n))))
	case reflect.Bool:
		v.SetBool(leaf(leaves, n) == 0)
	case reflect.Float64:
		v.SetFloat(float64(leaf(leaves, n)))
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(uint64(leaf(leaves, n)))
	default:
		v.SetInt(leaf(leaves, n))
	}
}

func leaf(leaves *int, n int) (value int64) {
	if *leaves == n {
		value = 1
	}
	*leaves++
	return value
}
