package store

import (
	"fmt"
	"strings"

	"orch/states"
)

// Keys spells every key. Names are checked where they come in; a name that is not a key segment
// never gets here, and if it does, it spells a key that nobody uses.
type Keys struct{ prefix string }

// NewKeys spells keys below a prefix, "orch" by default.
func NewKeys(prefix string) (Keys, error) {
	prefix = strings.Trim(prefix, "/")
	for segment := range strings.SplitSeq(prefix, "/") {
		if !states.ValidNode(segment) {
			return Keys{}, fmt.Errorf("use prefix %q: each part must be letters, digits and . _ -", prefix)
		}
	}
	return Keys{prefix: prefix}, nil
}

func (k Keys) join(parts ...string) string {
	var key strings.Builder
	key.Grow(64)
	key.WriteString(k.prefix)
	for _, part := range parts {
		if !states.ValidNode(part) {
			part = "_invalid_" // no name of ours begins like that
		}
		key.WriteByte('/')
		key.WriteString(part)
	}
	return key.String()
}

// ID is made once; everybody compares it, against the wrong datacenter.
func (k Keys) ID() string     { return k.join("id") }
func (k Keys) Freeze() string { return k.join("freeze") }

// Clusters is the prefix of all clusters.
func (k Keys) Clusters() string { return k.join("clusters") + "/" }

// Cluster is the prefix of one cluster.
func (k Keys) Cluster(c string) string { return k.join("clusters", c) + "/" }

func (k Keys) Definition(c string) string    { return k.join("clusters", c, "definition") }
func (k Keys) Leader(c string) string        { return k.join("clusters", c, "leader") }
func (k Keys) Desired(c string) string       { return k.join("clusters", c, "desired") }
func (k Keys) Record(c string) string        { return k.join("clusters", c, "transition") }
func (k Keys) ClusterFreeze(c string) string { return k.join("clusters", c, "freeze") }
func (k Keys) Orders(c string) string        { return k.join("clusters", c, "orders") + "/" }
func (k Keys) Order(c, node string) string   { return k.join("clusters", c, "orders", node) }
func (k Keys) Statuses(c string) string      { return k.join("clusters", c, "status") + "/" }
func (k Keys) Status(c, node string) string  { return k.join("clusters", c, "status", node) }
func (k Keys) Requests(c string) string      { return k.join("clusters", c, "requests") + "/" }
func (k Keys) Request(c, id string) string   { return k.join("clusters", c, "requests", id) }
func (k Keys) Journal(c string) string       { return k.join("clusters", c, "journal") + "/" }
func (k Keys) Entry(c string, n uint64) string {
	return k.join("clusters", c, "journal", fmt.Sprintf("%012d", n))
}

// Gate is where somebody else answers a gate; it belongs to no cluster.
func (k Keys) Gate(name string) string { return k.join("gates", name) }

// Gates is the prefix of all gates that somebody else answers.
func (k Keys) Gates() string { return k.join("gates") + "/" }

// last gives the last segment of a key.
func last(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
