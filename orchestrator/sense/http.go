package sense

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orch/states"
)

const (
	maxRequest   = 10 * time.Second
	maxBody      = 64 << 10
	maxRedirects = 3
)

// get asks the address of an http gate. Three statuses are a no: the ones with which an endpoint says
// that it is not well. Anything else but a success may come from whoever stands in between.
func (w *World) get(ctx context.Context, gate states.Gate) states.Reading {
	limit := maxRequest
	if gate.Timeout > 0 {
		limit = min(limit, gate.Timeout.D())
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, gate.URL.Fill(""), nil)
	if err != nil {
		return unknown("%v", cause(err))
	}
	request.Header.Set("User-Agent", "orch")
	answer, err := w.client.Do(request)
	if err != nil {
		return unknown("%v", cause(err))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return unknown("%s, and its answer broke off: %v", answer.Status, cause(err))
	}
	text := answer.Status
	if line := firstLine(string(body)); line != "" {
		text += ": " + line
	}
	return states.Reading{Outcome: outcomeOf(answer.StatusCode), Text: brief(text, maxText)}
}

func outcomeOf(status int) string {
	switch {
	case status >= 200 && status < 300:
		return states.GatePass
	case status == http.StatusTooManyRequests, status == http.StatusInternalServerError, status == http.StatusServiceUnavailable:
		return states.GateFail
	}
	return states.GateUnknown
}

// follow goes after a few redirects within the place that was named. What another place answers, the
// page of a login perhaps, is not the answer of this one.
func follow(next *http.Request, via []*http.Request) error {
	from := via[0].URL
	switch {
	case !strings.EqualFold(next.URL.Hostname(), from.Hostname()), from.Scheme == "https" && next.URL.Scheme != "https":
		return fmt.Errorf("it redirects to another place, %s://%s", next.URL.Scheme, next.URL.Host)
	case len(via) > maxRedirects:
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	return nil
}

// cause drops the address, which whoever wrote the gate knows, and which may hold a password.
func cause(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
