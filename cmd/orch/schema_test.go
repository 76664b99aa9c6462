package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// documents are what -o json prints, by the names of their schemas.
var documents = map[string]any{
	"status": statusJSON{}, "clusters": clustersJSON{}, "plan": planJSON{}, "simulate": simulateJSON{}, "why": whyJSON{},
	"history": historyJSON{}, "move": driveJSON{}, "show": showJSON{}, "graph": graphJSON{}, "apply": applyJSON{}, "mistakes": mistakesJSON{},
	"fsck": fsckJSON{}, "freeze": frozenJSON{}, "unlock": unlockJSON{}, "recover": recoverJSON{}, "acl": aclJSON{}, "fmt": fmtJSON{},
	"validate": validateJSON{}, "version": versionJSON{}, "schemas": schemaListJSON{}, "key": keyJSON{},
}

// The schemas are those of the types: whoever adds a field to a document writes it down, with
// go test ./cmd/orch -update, and sees in the change who has to be told.
func TestSchemasAreWrittenDown(t *testing.T) {
	for name, document := range documents {
		s := schemaOf(reflect.TypeOf(document))
		s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", "orch: "+name
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("schema", name+".json")
		if *update {
			if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if written, err := os.ReadFile(path); err != nil || string(written) != string(text)+"\n" {
			t.Errorf("%s is not the schema of the document (%v); if the document should be so, go test ./cmd/orch -update", path, err)
		}
	}
	for _, name := range schemaNames() {
		if documents[name] == nil {
			t.Errorf("schema/%s.json is of no document", name)
		}
	}
}

// schemaOf spells the JSON of a type as a schema.
func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem())
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case t == reflect.TypeFor[states.Size]():
		return map[string]any{"type": []string{"integer", "string"}}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		s := map[string]any{"type": "object", "additionalProperties": false}
		properties, required := map[string]any{}, []string{}
		fieldsOf(t, properties, &required)
		s["properties"], s["required"] = properties, required
		return s
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64:
		return map[string]any{"type": "integer"}
	}
	panic(fmt.Sprint("no schema for ", t))
}

func fieldsOf(t reflect.Type, properties map[string]any, required *[]string) {
	for f := range t.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			fieldsOf(f.Type, properties, required)
			continue
		case !f.IsExported() || tag == "-":
			continue
		case tag == "":
			tag = f.Name
		}
		properties[tag] = schemaOf(f.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, tag)
		}
	}
}

// obeys says where a document is not as its schema has it.
func obeys(schema map[string]any, value any, at string) (wrong []string) {
	if types, ok := schema["type"]; ok && !slices.ContainsFunc(listOf(types), func(t any) bool { return is(t.(string), value) }) {
		return []string{fmt.Sprintf("%s is %T, not %v", at, value, types)}
	}
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for _, name := range listOf(schema["required"]) {
			if _, there := value[name.(string)]; !there {
				wrong = append(wrong, fmt.Sprintf("%s has no %v", at, name))
			}
		}
		for name, field := range value {
			if sub, declared := properties[name].(map[string]any); declared {
				wrong = append(wrong, obeys(sub, field, at+"."+name)...)
			} else if sub, ok := schema["additionalProperties"].(map[string]any); ok {
				wrong = append(wrong, obeys(sub, field, at+"."+name)...)
			} else {
				wrong = append(wrong, fmt.Sprintf("%s.%s is not written down", at, name))
			}
		}
	case []any:
		for i, item := range value {
			wrong = append(wrong, obeys(schema["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		if _, err := time.Parse(time.RFC3339, value); schema["format"] == "date-time" && err != nil {
			wrong = append(wrong, fmt.Sprintf("%s is no time: %q", at, value))
		}
	}
	return wrong
}

func listOf(value any) []any {
	if list, ok := value.([]any); ok || value == nil {
		return list
	}
	return []any{value}
}

func is(kind string, value any) bool {
	switch v := value.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array"
	}
	return kind == "object"
}

func checkSchema(t *testing.T, name string, text []byte) {
	t.Helper()
	written, err := schemas.ReadFile("schema/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	var value any
	if err := json.Unmarshal(written, &schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if wrong := obeys(schema, value, name); len(wrong) > 0 {
		t.Errorf("not by its schema: %s\n%s", strings.Join(wrong, "; "), text)
	}
}

func TestGoldensObeyTheirSchemas(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, path := range files {
		first, last, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".json"), "-")
		name := last // awaiting-status, simulate-fail
		if documents[name] == nil {
			name = first
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		checkSchema(t, name, text)
	}
}

func TestVerbsObeyTheirSchemas(t *testing.T) {
	w := newWorld(t)
	path := file(t, webFile)
	for _, step := range []struct {
		schema string
		code   int
		line   []string
	}{
		{"validate", 0, []string{"validate", path}}, {"fmt", 0, []string{"fmt", path}}, {"mistakes", 1, []string{"validate", file(t, `cluster "web" {`)}},
		{"apply", 0, []string{"apply", "--yes", path}}, {"clusters", 0, []string{"status"}}, {"plan", 0, []string{"plan", "web", "on"}},
		{"plan", 6, []string{"plan", "web", "nowhere"}}, {"simulate", 0, []string{"plan", "web", "on", "--simulate", "--fail", "web-1"}},
		{"move", 0, []string{"transition", "web", "on"}}, {"status", 0, []string{"status", "web"}}, {"why", 0, []string{"why", "web"}},
		{"why", 0, []string{"why", "web", "web-1"}}, {"history", 0, []string{"history", "web"}}, {"show", 0, []string{"show", "web"}},
		{"graph", 0, []string{"graph", "web"}}, {"move", 0, []string{"pause", "web"}}, {"move", 0, []string{"reconverge", "web"}},
		{"fsck", -1, []string{"fsck", "web"}}, {"acl", 0, []string{"acl", "viewer"}},
		{"version", 0, []string{"version"}}, {"schemas", 0, []string{"schema"}},
	} {
		code := w.run(append(step.line, "-o", "json")...)
		if step.code >= 0 && code != step.code {
			t.Errorf("orch %s ended with %d: %s%s", strings.Join(step.line, " "), code, &w.out, &w.err)
			continue
		}
		checkSchema(t, step.schema, w.out.Bytes())
	}
	says(t, w.must(exitDone, "schema", "plan"), `"additionalProperties": false`)
	says(t, w.must(exitUsage, "schema", "nothing"), "status")
}

// The validator says no where it should.
func TestObeys(t *testing.T) {
	schema := map[string]any{}
	text := `{"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "integer"},
		"b": {"type": ["array", "null"], "items": {"type": "string", "format": "date-time"}}}}`
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"a": 1, "b": ["2026-03-14T03:00:00Z"]}`: "[]", `{"a": 1, "b": null}`: "[]", `{"b": null}`: "[x has no a]", `{"a": 1.5}`: "[x.a is float64, not integer]",
		`{"a": 1, "c": 2}`: "[x.c is not written down]", `{"a": 1, "b": ["noon"]}`: `[x.b[0] is no time: "noon"]`, `[]`: "[x is []interface {}, not object]",
	} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(obeys(schema, value, "x")); got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}
