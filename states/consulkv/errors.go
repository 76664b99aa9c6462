package consulkv

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/hashicorp/consul/api"

	"orch/states"
	"orch/states/store"
)

// reading says what the error of a read means. Nothing was written, so all that matters is whether
// trying again can help.
func (c *Client) reading(err error) error {
	if denied(err) {
		return c.denial(err.Error())
	}
	var status api.StatusError
	if errors.As(err, &status) && status.Code >= 400 && status.Code < 500 && status.Code != http.StatusTooManyRequests {
		return fmt.Errorf("consul refuses: %s", brief(err))
	}
	return fmt.Errorf("%w: %s", states.ErrUnavailable, brief(err))
}

// writing says what the error of a write means. Only an answer that says so, or a connection that
// never was, proves that nothing was written; anything else may still be applied, even later.
func (c *Client) writing(err error) error {
	var status api.StatusError
	var dial *net.OpError
	switch {
	case denied(err):
		return c.denial(err.Error())
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("%w: %s", states.ErrUnavailable, brief(err))
	case !errors.As(err, &status):
		return fmt.Errorf("%w: %s", states.ErrUnknownOutcome, brief(err))
	}
	switch {
	case status.Code == http.StatusConflict:
		return c.conflict(status.Body)
	case status.Code == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %s", states.ErrTooLarge, brief(err))
	case status.Code == http.StatusTooManyRequests, status.Code == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %s", states.ErrUnavailable, brief(err))
	case status.Code >= 400 && status.Code < 500:
		return fmt.Errorf("consul refuses: %s", brief(err))
	}
	return fmt.Errorf("%w: %s", states.ErrUnknownOutcome, brief(err))
}

// conflict reads which operation of a transaction failed.
func (c *Client) conflict(body string) error {
	var answer struct {
		Errors []struct {
			OpIndex int
			What    string
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Errors) == 0 {
		return fmt.Errorf("%w: %s", states.ErrConflict, states.Clip(body, 200))
	}
	first := answer.Errors[0]
	if forbidden(first.What) {
		return c.denial(first.What)
	}
	return &store.TxnError{Op: first.OpIndex, What: first.What}
}

// denied tells whether the token's rights are too small.
func denied(err error) bool {
	var status api.StatusError
	return errors.As(err, &status) && status.Code == http.StatusForbidden || forbidden(err.Error())
}

// denial is the error for a denied call: which token lacks which right. A token file is read again
// for the next.
func (c *Client) denial(what string) error {
	return fmt.Errorf("%w: %s%s", states.ErrDenied, lacking(what), c.token.refresh())
}

func forbidden(text string) bool {
	return strings.Contains(text, "Permission denied") || strings.Contains(text, "ACL not found")
}

// denial is how Consul says which right a token lacks, possibly within JSON.
var denial = regexp.MustCompile(`token with AccessorID '([^']*)' lacks permission '([^']*)' on \\*"([^"\\]*)\\*"`)

// lacking says which token lacks which right, as far as Consul says so.
func lacking(text string) string {
	if found := denial.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("token %s lacks %s on %q", found[1], found[2], found[3])
	}
	if strings.Contains(text, "ACL not found") {
		return "consul does not know the token: " + states.Clip(strings.TrimSpace(text), 300)
	}
	return states.Clip(strings.TrimSpace(text), 300)
}

func brief(err error) string { return states.Clip(strings.TrimSpace(err.Error()), 300) }
