package consultest_test

import (
	"strings"
	"testing"

	"orch/states/storetest/consultest"
)

func TestStart(t *testing.T) {
	s := consultest.Start(t)
	saved := s.Save(t)
	s.Must(t, "PUT", "/v1/kv/later", "x")
	s.Restore(t, saved)
	if text := s.Must(t, "GET", "/v1/kv/?keys", ""); strings.Contains(string(text), "later") {
		t.Errorf("after a restore there is %s", text)
	}
}
