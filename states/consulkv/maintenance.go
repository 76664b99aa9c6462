package consulkv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/consul/api"

	"orch/states"
)

// Maintenance takes instances of services out of the traffic and back, on the Consul agent that the
// client talks to: the node's own.
type Maintenance struct {
	Client *Client
}

// Instances gives every instance of a service on that Consul agent, and why it is in maintenance if
// it is. A list of all services is cut to what the token may read, and a service that is hidden must
// never count as one that is not there; the question about one service is denied instead.
func (m *Maintenance) Instances(ctx context.Context, service string) ([]states.ServiceInstance, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var found []api.AgentServiceChecksInfo
	_, err := m.Client.calls.Raw().Query("/v1/agent/health/service/name/"+service, &found, m.Client.query(ctx, false))
	if err = unhealthy(err, &found); err != nil {
		return nil, fmt.Errorf("look for instances of service %q: %w", service, m.Client.reading(err))
	}
	instances := make([]states.ServiceInstance, 0, len(found))
	for _, each := range found {
		instance := states.ServiceInstance{ID: each.Service.ID}
		for _, check := range each.Checks {
			if check.CheckID == api.ServiceMaintPrefix+instance.ID {
				instance.Maintenance, instance.Reason = true, check.Notes
			}
		}
		instances = append(instances, instance)
	}
	return instances, nil
}

// unhealthy takes the answer about a service that is not healthy, or not there, for what it is:
// Consul tells that by the code as well.
func unhealthy(err error, found *[]api.AgentServiceChecksInfo) error {
	var status api.StatusError
	if !errors.As(err, &status) {
		return err
	}
	switch status.Code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusNotFound:
		if json.Unmarshal([]byte(status.Body), found) == nil {
			return nil
		}
	}
	return err
}

// Drain puts an instance into maintenance. One that is in it already stays as it is, and so does its
// reason: that is how Consul has it.
func (m *Maintenance) Drain(ctx context.Context, instance, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := m.Client.calls.Agent().EnableServiceMaintenanceOpts(instance, reason, m.Client.query(ctx, false)); err != nil {
		return fmt.Errorf("put instance %q into maintenance: %w", instance, m.Client.writing(err))
	}
	return nil
}

// Restore takes an instance out of maintenance, whoever put it there.
func (m *Maintenance) Restore(ctx context.Context, instance string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := m.Client.calls.Agent().DisableServiceMaintenanceOpts(instance, m.Client.query(ctx, false)); err != nil {
		return fmt.Errorf("take instance %q out of maintenance: %w", instance, m.Client.writing(err))
	}
	return nil
}
