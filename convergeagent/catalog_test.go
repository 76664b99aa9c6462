package convergeagent

import (
	"context"
	"sync"

	"orch/states"
)

// catalog is a Consul agent's services with Consul's semantics of maintenance.
type catalog struct {
	mu       sync.Mutex
	services map[string][]string // ids by service
	reasons  map[string]string   // by the id of what is in maintenance
}

func newCatalog(ids ...string) *catalog {
	return &catalog{services: map[string][]string{"web": ids}, reasons: map[string]string{}}
}

// put puts an instance into maintenance as somebody does; "" takes it out.
func (c *catalog) put(id, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason == "" {
		delete(c.reasons, id)
		return
	}
	c.reasons[id] = reason
}

// reason tells why an instance is in maintenance; "": it is not.
func (c *catalog) reason(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reasons[id]
}

// drainer is one process's way to the catalog.
type drainer struct {
	catalog *catalog
	mu      sync.Mutex
	broken  map[string]error  // by what is called: instances, drain, restore
	meet    func(step string) // before and after each change: "drain", "drained", "restore", "restored"
	calls   map[string]int    // how often each was called
}

func (d *drainer) breaks(what string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken == nil {
		d.broken = map[string]error{}
	}
	d.broken[what] = err
}

func (d *drainer) called(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[what]
}

func (d *drainer) call(ctx context.Context, what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls == nil {
		d.calls = map[string]int{}
	}
	d.calls[what]++
	if err := ctx.Err(); err != nil {
		return states.ErrUnknownOutcome
	}
	return d.broken[what]
}

func (d *drainer) Instances(ctx context.Context, service string) ([]states.ServiceInstance, error) {
	if err := d.call(ctx, "instances"); err != nil {
		return nil, err
	}
	d.catalog.mu.Lock()
	defer d.catalog.mu.Unlock()
	var list []states.ServiceInstance
	for _, id := range d.catalog.services[service] {
		reason, in := d.catalog.reasons[id]
		list = append(list, states.ServiceInstance{ID: id, Maintenance: in, Reason: reason})
	}
	return list, nil
}

func (d *drainer) Drain(ctx context.Context, id, reason string) error {
	d.met("drain")
	if err := d.call(ctx, "drain"); err != nil {
		return err
	}
	if d.catalog.reason(id) == "" {
		d.catalog.put(id, reason)
	}
	d.met("drained")
	return d.call(ctx, "draining")
}

func (d *drainer) Restore(ctx context.Context, id string) error {
	d.met("restore")
	if err := d.call(ctx, "restore"); err != nil {
		return err
	}
	d.catalog.put(id, "")
	d.met("restored")
	return nil
}

func (d *drainer) met(step string) {
	d.mu.Lock()
	meet := d.meet
	d.mu.Unlock()
	if meet != nil {
		meet(step)
	}
}

// spy sees each converge as it begins.
type spy struct {
	Action
	see func(Task)
}

func (s spy) Converge(ctx context.Context, task Task) Result {
	s.see(task)
	return s.Action.Converge(ctx, task)
}
