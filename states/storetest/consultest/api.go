package consultest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Do asks the API with every right, and fails on any answer but 200.
func (s *Server) Do(method, path string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequest(method, "http://"+s.Address+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Consul-Token", s.Token)
	client := http.Client{Timeout: 15 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(text)))
	}
	return text, err
}

// Must is Do for what cannot go wrong.
func (s *Server) Must(t testing.TB, method, path, body string) []byte {
	t.Helper()
	text, err := s.Do(method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Save takes a snapshot.
func (s *Server) Save(t testing.TB) []byte {
	t.Helper()
	return s.Must(t, "GET", "/v1/snapshot", "")
}

// Restore brings a snapshot back and waits until the server writes again.
func (s *Server) Restore(t testing.TB, snapshot []byte) {
	t.Helper()
	s.Must(t, "PUT", "/v1/snapshot", string(snapshot))
	if err := s.await(nil); err != nil {
		t.Fatalf("restore: %v", err)
	}
}

// TokenFile makes a token of those rights, or the one with every right where rules is empty, and
// gives a file that holds it.
func (s *Server) TokenFile(t testing.TB, rules string) string {
	t.Helper()
	token := s.Token
	if rules != "" {
		name := fmt.Sprintf("test-%d", time.Now().UnixNano())
		s.Must(t, "PUT", "/v1/acl/policy", encode(map[string]any{"Name": name, "Rules": rules}))
		answer := s.Must(t, "PUT", "/v1/acl/token", encode(map[string]any{"Policies": []map[string]string{{"Name": name}}}))
		var made struct{ SecretID string }
		if err := json.Unmarshal(answer, &made); err != nil {
			t.Fatal(err)
		}
		token = made.SecretID
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func encode(body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps of strings can always be written
	}
	return string(text)
}
