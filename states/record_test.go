package states

import (
	"reflect"
	"testing"
	"time"
)

// Every time in a record is shown to who sets them right, but those that nothing is measured from.
func TestStampsAreAllTimes(t *testing.T) {
	var record Record
	record.Batches, record.Members, record.Counted = make([]Batch, 1), make([]Member, 1), make([]Counted, 1)
	record.Gates, record.Unmet = make([]Gauge, 1), make([]Gauge, 1)
	shown := map[*time.Time]bool{}
	record.Stamps(func(at *time.Time) { shown[at] = true })
	var look func(v reflect.Value, path string)
	look = func(v reflect.Value, path string) {
		switch at, is := v.Addr().Interface().(*time.Time); {
		case is && !shown[at] && path != ".EndedAt":
			t.Errorf("%s is not shown", path)
		case is:
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					look(v.Field(i), path+"."+v.Type().Field(i).Name)
				}
			}
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				look(v.Index(i), path+"[]")
			}
		}
	}
	look(reflect.ValueOf(&record).Elem(), "")
}
