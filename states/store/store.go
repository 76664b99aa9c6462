package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Store reads and changes clusters, for leaders and for whoever looks. It implements the
// orchestrator's Store and Leaser.
type Store struct {
	KV    KV
	Keys  Keys
	Parse func(text string) (states.Cluster, error) // of a definition; this room knows no language
	Memo  *Memo                                     // of what was decoded already
	TTL   time.Duration                             // of a leader's session
	Wait  time.Duration                             // of one blocking query
	Clock func() time.Time
}

// New makes a Store with the usual times.
func New(kv KV, keys Keys, parse func(string) (states.Cluster, error)) *Store {
	return &Store{KV: kv, Keys: keys, Parse: parse, Memo: NewMemo(memoRoom), TTL: 30 * time.Second, Wait: time.Minute, Clock: time.Now}
}

// Snapshot reads everything about a cluster in one consistent transaction.
func (s *Store) Snapshot(ctx context.Context, cluster string) (states.Snapshot, error) {
	k := s.Keys
	pairs, err := s.KV.Txn(ctx, []Op{
		{Verb: GetOrEmpty, Key: k.Freeze()},
		{Verb: GetOrEmpty, Key: k.ClusterFreeze(cluster)},
		{Verb: GetOrEmpty, Key: k.Definition(cluster)},
		{Verb: GetOrEmpty, Key: k.Leader(cluster)},
		{Verb: GetOrEmpty, Key: k.Desired(cluster)},
		{Verb: GetOrEmpty, Key: k.Record(cluster)},
		{Verb: GetTree, Key: k.Orders(cluster)},
		{Verb: GetTree, Key: k.Statuses(cluster)},
		{Verb: GetTree, Key: k.Requests(cluster)},
	})
	if err != nil {
		return states.Snapshot{}, fmt.Errorf("read cluster %q: %w", cluster, err)
	}
	return s.assemble(cluster, pairs), nil
}

// assemble sorts pairs into a snapshot, by their keys.
func (s *Store) assemble(cluster string, pairs []Pair) states.Snapshot {
	snapshot := states.Snapshot{Cluster: cluster}
	nodes := map[string]*states.Node{}
	node := func(name string) *states.Node {
		if nodes[name] == nil {
			nodes[name] = &states.Node{Name: name}
		}
		return nodes[name]
	}
	var requests []Pair
	everybody, prefix := s.Keys.Freeze(), s.Keys.Cluster(cluster)
	for _, pair := range pairs {
		rest, ours := strings.CutPrefix(pair.Key, prefix)
		room, name, nested := strings.Cut(rest, "/")
		switch {
		case pair.Index == 0:
		case pair.Key == everybody:
			snapshot.Frozen = decode[states.Freeze](s.Memo, pair)
		case ours && !nested:
			s.place(&snapshot, room, pair)
		case !ours || !states.ValidNode(name): // none that orch spells
		case room == "orders":
			node(name).Order = sealed[states.Order](s.Memo, pair)
		case room == "status":
			n := node(name)
			n.Status, n.Alive = decode[states.Status](s.Memo, pair), pair.Session != ""
		case room == "requests":
			requests = append(requests, pair)
		}
	}
	snapshot.Nodes = slices.Grow(snapshot.Nodes, len(nodes))
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		snapshot.Nodes = append(snapshot.Nodes, *nodes[name])
	}
	snapshot.Requests = s.requests(requests)
	return snapshot
}

// place puts a document of which a cluster has one into its snapshot.
func (s *Store) place(snapshot *states.Snapshot, name string, pair Pair) {
	switch name {
	case "freeze":
		snapshot.Freeze = decode[states.Freeze](s.Memo, pair)
	case states.KeyDefinition:
		snapshot.Definition, snapshot.Source = s.definition(snapshot.Cluster, pair), string(pair.Value)
	case "leader":
		snapshot.Leader, snapshot.Led, snapshot.Session = decode[states.Leader](s.Memo, pair), pair.Session != "", pair.Session
	case states.KeyDesired:
		snapshot.Desired = desiredOf(s.Memo, snapshot.Cluster, pair)
	case states.KeyRecord:
		snapshot.Record = sealedRecord(s.Memo, pair)
	}
}

// requests are taken in the order of their creation.
func (s *Store) requests(pairs []Pair) []states.Doc[states.Request] {
	slices.SortFunc(pairs, func(a, b Pair) int { return int(a.Created) - int(b.Created) })
	requests := slices.Grow[[]states.Doc[states.Request]](nil, len(pairs))
	for _, pair := range pairs {
		doc := decode[states.Request](s.Memo, pair)
		if doc.Problem == "" && doc.Value.ID != last(pair.Key) {
			doc.Problem = fmt.Sprintf("it calls itself %q", doc.Value.ID)
		}
		doc.Value.ID, doc.Value.Held = last(pair.Key), pair.Session != ""
		requests = append(requests, doc)
	}
	return requests
}

func (s *Store) definition(cluster string, pair Pair) states.Doc[states.Cluster] {
	doc := recall(s.Memo, withDigest, pair, s.parse)
	if doc.OK() && doc.Value.Name != cluster {
		doc.Problem, doc.Value = foreign(doc.Value.Name), states.Cluster{}
	}
	return doc
}

func (s *Store) parse(pair Pair) states.Doc[states.Cluster] {
	doc := states.Doc[states.Cluster]{Index: pair.Index, Digest: states.Fingerprint(pair.Value)}
	var err error
	if doc.Value, err = s.Parse(string(pair.Value)); err != nil {
		doc.Value, doc.Problem = states.Cluster{}, err.Error()
	}
	return doc
}

// foreign tells of a document that was copied from one cluster's key to another's.
func foreign(name string) string { return fmt.Sprintf("it is that of cluster %q", name) }

// desiredOf reads the desired state of a cluster. One of an older version does not say whose it is.
func desiredOf(m *Memo, cluster string, pair Pair) states.Doc[states.Desired] {
	doc := sealed[states.Desired](m, pair)
	if name := doc.Value.Cluster; doc.OK() && name != "" && name != cluster {
		doc.Value, doc.Problem = states.Desired{}, problem(errors.New(foreign(name)))
	}
	return doc
}

// Clusters lists the clusters that there are, and that this token may see.
func (s *Store) Clusters(ctx context.Context) ([]string, error) {
	prefix := s.Keys.Clusters()
	answer, err := s.KV.Watch(ctx, Query{Key: prefix, Prefix: true})
	if err != nil {
		return nil, fmt.Errorf("list clusters: %w", err)
	}
	var names []string
	for _, key := range answer.Keys {
		name, nested := strings.CutSuffix(strings.TrimPrefix(key, prefix), "/")
		if nested && states.ValidCluster(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 { // to a token that may list nothing, it looks the same
		if _, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: s.Keys.ID()}, {Verb: GetTree, Key: prefix}}); err != nil {
			return nil, fmt.Errorf("list clusters: %w", err)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Journal reads the entries of a cluster after a sequence number, the oldest first.
func (s *Store) Journal(ctx context.Context, cluster string, after uint64) ([]states.Doc[states.Entry], error) {
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetTree, Key: s.Keys.Journal(cluster)}})
	if err != nil {
		return nil, fmt.Errorf("read the journal of %q: %w", cluster, err)
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	var entries []states.Doc[states.Entry]
	for _, pair := range pairs {
		if pair.Key > s.Keys.Entry(cluster, after) {
			entries = append(entries, decode[states.Entry](s.Memo, pair))
		}
	}
	return entries, nil
}

// Entries reads a run of entries by their numbers, which is cheaper than the whole journal.
func (s *Store) Entries(ctx context.Context, cluster string, first, last uint64) ([]states.Doc[states.Entry], error) {
	var entries []states.Doc[states.Entry]
	for first <= last {
		var ops []Op
		for ; first <= last && len(ops) < states.MaxNodesPerTransaction; first++ {
			ops = append(ops, Op{Verb: GetOrEmpty, Key: s.Keys.Entry(cluster, first)})
		}
		pairs, err := s.KV.Txn(ctx, ops)
		if err != nil {
			return nil, fmt.Errorf("read the journal of %q: %w", cluster, err)
		}
		for _, pair := range pairs {
			if pair.Index != 0 {
				entries = append(entries, decode[states.Entry](s.Memo, pair))
			}
		}
	}
	return entries, nil
}

// File writes a request, once.
func (s *Store) File(ctx context.Context, cluster string, request states.Request) error {
	key := s.Keys.Request(cluster, request.ID)
	_, err := s.KV.Txn(ctx, []Op{{Verb: CAS, Key: key, Value: encode(request)}})
	var failed *TxnError
	if errors.As(err, &failed) { // it lies there already
		return nil
	}
	if err != nil {
		return fmt.Errorf("file request %q: %w", request.ID, err)
	}
	return nil
}

// MakeID gives the id of this tree of keys, and writes it where there is none.
func (s *Store) MakeID(ctx context.Context, fresh string) (string, error) {
	for range 2 {
		pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: s.Keys.ID()}})
		if err != nil {
			return "", fmt.Errorf("read %q: %w", s.Keys.ID(), err)
		}
		if len(pairs) > 0 && pairs[0].Index != 0 {
			return string(pairs[0].Value), nil
		}
		var failed *TxnError
		_, err = s.KV.Txn(ctx, []Op{{Verb: CAS, Key: s.Keys.ID(), Value: []byte(fresh)}})
		if err != nil && !errors.As(err, &failed) {
			return "", fmt.Errorf("write %q: %w", s.Keys.ID(), err)
		}
	}
	return fresh, nil
}

// Follow sends a word whenever something about the cluster may have changed: a status, a request,
// the record, the lease. It returns when the context ends.
func (s *Store) Follow(ctx context.Context, cluster string, news chan<- struct{}) error {
	follow(ctx, s.KV, s.Wait, Query{Key: s.Keys.Cluster(cluster), Prefix: true}, func(Answer, error) {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	return ctx.Err()
}
