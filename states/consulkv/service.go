package consulkv

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/consul/api"
)

// Service shows one node of a cluster on the Consul UI's Services page: one service per cluster,
// one instance per node, tagged with the state it reached. It is for people; nothing decides by it.
type Service struct {
	Client  *Client
	Cluster string
	Node    string
	TTL     time.Duration // the node is shown as silent when nothing was said for so long

	tag        string
	token      string // with which it is registered: the Consul agent goes on using that one
	registered bool
}

func (s *Service) name() string  { return "orch-" + s.Cluster }
func (s *Service) id() string    { return s.name() + "-" + s.Node }
func (s *Service) check() string { return s.id() + "-state" }

// Show says how the node is: status is passing, warning or critical. The check goes first and the
// tag after it, because registering again keeps the check as it is. A new token goes before both: the
// Consul agent tells the catalog under the token of the registration, and where that one is denied it
// takes the check for told, until it compares everything, a minute or two later. It is not safe for
// several goroutines at once.
func (s *Service) Show(ctx context.Context, tag, status, output string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	switch {
	case !s.registered:
		if err := s.register(ctx, tag, otherThan(status)); err != nil {
			return err
		}
	case s.Client.token.value() != s.token:
		if err := s.register(ctx, s.tag, ""); err != nil {
			return err
		}
	}
	err := s.Client.calls.Agent().UpdateTTLOpts(s.check(), output, status, s.Client.query(ctx, false))
	if err != nil {
		s.registered = false // the Consul agent may have forgotten us: begin again next time
		return fmt.Errorf("show node %q in consul: %w", s.Node, s.Client.reading(err))
	}
	if tag != s.tag {
		return s.register(ctx, tag, "")
	}
	return nil
}

// otherThan is what a check is born as that is then told to be status: Consul's catalog hears of a
// change at once, and of words alone up to five minutes late, so that what was critical from the start
// would say nothing for so long.
func otherThan(status string) string {
	if status == api.HealthCritical {
		return api.HealthWarning
	}
	return api.HealthCritical
}

// register says that the node is there. A check that Consul knows already stays as it is.
func (s *Service) register(ctx context.Context, tag, born string) error {
	registration := &api.AgentServiceRegistration{
		ID: s.id(), Name: s.name(), Tags: []string{tag},
		Meta:  map[string]string{"node": s.Node},
		Check: &api.AgentServiceCheck{CheckID: s.check(), Name: "orch state", Status: born, TTL: s.TTL.String(), Notes: "what this node does about the cluster's wanted state; orch status " + s.Cluster + " knows more"},
	}
	token := s.Client.token.value()
	options := api.ServiceRegisterOpts{Token: token}.WithContext(ctx)
	if err := s.Client.calls.Agent().ServiceRegisterOpts(registration, options); err != nil {
		return fmt.Errorf("show node %q in consul: %w", s.Node, s.Client.reading(err))
	}
	s.tag, s.token, s.registered = tag, token, true
	return nil
}

// Remove takes the node off the page.
func (s *Service) Remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.registered = false
	if err := s.Client.calls.Agent().ServiceDeregisterOpts(s.id(), s.Client.query(ctx, false)); err != nil {
		return fmt.Errorf("take node %q off consul's page: %w", s.Node, s.Client.reading(err))
	}
	return nil
}
