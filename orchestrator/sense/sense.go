package sense

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-cleanhttp"

	"orch/orchestrator"
	"orch/states"
)

// Catalog is what Consul knows of nodes and services. An answer from which something was left out is
// an error.
type Catalog interface {
	// ServiceChecks gives one check for every instance of a service, the worst of its own and its node's.
	ServiceChecks(ctx context.Context, service string) ([]states.Check, error)
	// ChecksByID gives every check that has one of the ids, on whatever node.
	ChecksByID(ctx context.Context, ids []string) ([]states.Check, error)
	// Holder gives the node whose session holds a lock, or "".
	Holder(ctx context.Context, lock string) (string, error)
	// Tagged gives the nodes with an instance of a service that carries a tag.
	Tagged(ctx context.Context, service, tag string) ([]string, error)
}

// Keys is what lies in the store beside the cluster that is led.
type Keys interface {
	Elsewhere(ctx context.Context, cluster string) (states.Elsewhere, error)
	Vote(ctx context.Context, gate string) (states.Doc[states.Vote], error)
}

// Programs gives, by the name of the gate, the commands that answer gates on this machine. An error
// says why nobody can tell which there are.
type Programs func() (map[string][]string, error)

// World finds out what a leader has to know. Its fields are set before its first use; it is safe for
// several goroutines, and must be closed.
type World struct {
	Catalog  Catalog
	Keys     Keys
	Programs Programs
	Clock    func() time.Time
	Every    time.Duration // a gate is asked again so long after its last answer
	Patience time.Duration // for each read of Consul

	client *http.Client
	ctx    context.Context // ends with Close
	end    context.CancelFunc
	going  sync.WaitGroup

	mu     sync.Mutex
	askers map[target]*asker // the newest of each gate
}

var _ orchestrator.Senses = (*World)(nil)

// New makes a World with the usual times.
func New(catalog Catalog, keys Keys, programs Programs) *World {
	w := &World{Catalog: catalog, Keys: keys, Programs: programs, Clock: time.Now, Every: 5 * time.Second, Patience: 5 * time.Second,
		client: &http.Client{Transport: cleanhttp.DefaultTransport(), CheckRedirect: follow}, askers: map[target]*asker{}}
	w.ctx, w.end = context.WithCancel(context.Background())
	return w
}

// Close ends every question, and waits for the end of whatever was asked. Nothing is sensed after it.
func (w *World) Close() {
	w.mu.Lock() // whoever starts one has seen that this is over, or is waited for
	w.end()
	w.mu.Unlock()
	w.going.Wait()
}

// Sense implements orchestrator.Senses.
func (w *World) Sense(ctx context.Context, ask orchestrator.Ask, news chan<- struct{}) states.Evidence {
	q := w.sort(ask)
	e := w.read(ctx, ask, q.votes)
	maps.Copy(e.Gates, q.hopeless)
	maps.Copy(e.Gates, w.asked(ask, q.slow, news))
	return e
}

// questions are gates, by how they are answered.
type questions struct {
	slow     []question                // in the background
	votes    []string                  // by whoever sets a key
	hopeless map[string]states.Reading // by nobody: why
}

// sort tells how each gate is answered. A command gate without a program here is answered by a vote.
func (w *World) sort(ask orchestrator.Ask) questions {
	q := questions{hopeless: map[string]states.Reading{}}
	programs, err := w.programs(ask)
	for _, gate := range ask.Gates {
		command, here := programs[gate.Name]
		switch {
		case gate.Kind == states.GateHTTP:
			q.slow = append(q.slow, question{gate.Name, func(ctx context.Context) states.Reading { return w.get(ctx, gate) }})
		case gate.Kind == states.GateCommand && err != nil:
			q.hopeless[gate.Name] = at(w.Clock(), unknown("its program is not known: %v", err))
		case gate.Kind == states.GateCommand && here:
			q.slow = append(q.slow, question{gate.Name, func(ctx context.Context) states.Reading { return run(ctx, command, ask, gate) }})
		case gate.Kind == states.GateCommand:
			q.votes = append(q.votes, gate.Name)
		default:
			q.hopeless[gate.Name] = at(w.Clock(), unknown("nothing here asks a gate of kind %q", gate.Kind))
		}
	}
	return q
}

// programs gives the commands of this machine, where a gate wants one.
func (w *World) programs(ask orchestrator.Ask) (map[string][]string, error) {
	if slices.ContainsFunc(ask.Gates, func(g states.Gate) bool { return g.Kind == states.GateCommand }) {
		return w.Programs()
	}
	return nil, nil
}
