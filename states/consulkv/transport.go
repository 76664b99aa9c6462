package consulkv

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/hashicorp/consul/api"
)

// filteredHeader is what Consul sets on other reads when a token may not see all of the answer.
const filteredHeader = "X-Consul-Results-Filtered-By-ACLs"

// filteredMark is what it says in the body of a transaction instead, where the API's types drop it.
// Values are in base64, so nothing that people wrote can look like it.
var filteredMark = regexp.MustCompile(`"ResultsFilteredByACLs":\s*true`)

// transport lifts that mark into the header. Without it, a token that may not list the statuses of a
// cluster would see one without any nodes (seen on Consul 1.22.7). It also keeps the code of what is
// neither an answer nor a conflict, where the API keeps the text only.
type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(request)
	if err != nil || !strings.HasSuffix(request.URL.Path, "/v1/txn") {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer to a transaction: %w", err)
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusConflict {
		return nil, api.StatusError{Code: answer.StatusCode, Body: string(body)}
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if filteredMark.Match(body) {
		answer.Header.Set(filteredHeader, "true")
	}
	return answer, nil
}
