package consulkv_test

import (
	"os"
	"testing"
	"time"

	"orch/states/consulkv"
	"orch/states/storetest/consultest"
)

// Where the token is another one and the old one is gone, what a node says next is shown at once:
// the Consul agent tells the catalog under the token of the registration, and where that is denied
// it keeps silent until its next full comparison, a minute or two later.
func TestWhatIsSaidUnderANewTokenIsShown(t *testing.T) {
	server := consultest.Start(t)
	rules := `service "orch-web" { policy = "write" }`
	file := server.TokenFile(t, rules)
	client, err := consulkv.Open(consulkv.Config{Address: server.Address, TokenFile: file})
	must(t, err)
	service := &consulkv.Service{Client: client, Cluster: "web", Node: "web-01", TTL: time.Minute}
	must(t, service.Show(t.Context(), "off", "passing", "at off"))
	catalog(t, server, is("off", "passing", "at off"))
	for _, status := range []string{"warning", "passing", "critical", "passing", "warning", "passing", "critical", "passing"} {
		old := client.Accessor(t.Context())
		must(t, os.Rename(server.TokenFile(t, rules), file))
		server.Must(t, "DELETE", "/v1/acl/token/"+old, "")
		must(t, service.Show(t.Context(), "off", status, status))
		catalog(t, server, is("off", status, status))
	}
}
