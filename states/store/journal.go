package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"orch/states"
)

// chain completes a change with what only bytes tell: what it writes, what it replaces, and the entry
// that came before. The record names the new entry, so that whoever leads next goes on from there. It
// gives the texts too, by key; the entry's has none.
func (s *Store) chain(snapshot states.Snapshot, change states.Change) (states.Change, map[string][]byte) {
	entry := &change.Entry
	change.Record.Head = noHead
	entry.Prev = ""
	if snapshot.Record.OK() {
		entry.Prev = snapshot.Record.Value.Head
	}
	entry.Keys, entry.Found = map[string]string{}, map[string]string{}
	texts := map[string][]byte{}
	note := func(key, found string, text []byte) {
		texts[key] = text
		entry.Keys[key] = states.Fingerprint(text)
		if found != "" {
			entry.Found[key] = found
		}
	}
	record := encode(change.Record)
	note(states.KeyRecord, snapshot.Record.Digest, headless(record))
	if change.Desired != nil {
		note(states.KeyDesired, snapshot.Desired.Digest, encode(change.Desired))
	}
	if change.Definition != nil {
		note(states.KeyDefinition, snapshot.Definition.Digest, []byte(*change.Definition))
	}
	for name, order := range change.Orders {
		node, _ := snapshot.Node(name)
		note(states.KeyOrders+name, node.Order.Digest, encode(order))
	}
	texts[""] = encode(change.Entry)
	change.Record.Head = states.Fingerprint(texts[""])
	texts[states.KeyRecord] = withHead(record, change.Record.Head)
	return change, texts
}

// fits gives the transaction of a change. What the journal only keeps to show a difference later is
// left out where it would make the transaction too large.
func (s *Store) fits(lease *states.Lease, snapshot states.Snapshot, change states.Change) (states.Change, []Op) {
	change, texts := s.chain(snapshot, change)
	ops := s.changeOps(lease, snapshot, change, texts)
	if body(ops) > maxBody {
		change.Entry.Text, change.Entry.TextBefore, change.Entry.Before = "", "", nil
		change, texts = s.chain(snapshot, change)
		ops = s.changeOps(lease, snapshot, change, texts)
	}
	return change, ops
}

// noHead is as long as any head: what a record is worth does not depend on it.
const noHead = "00000000000000000000000000000000"

// endHead finds the head at the very end of a record; nothing inside of it can look like that.
var endHead = regexp.MustCompile(`"head": ?"[^"\\]*"\s*}\s*$`)

// headless is a record without the digest of the entry that tells the record's digest.
func headless(text []byte) []byte {
	if at := endHead.FindIndex(text); at != nil {
		return text[:at[0]]
	}
	return text
}

// withHead is a record that was written with noHead, as it is written with its own.
func withHead(text []byte, head string) []byte {
	body := headless(text)
	return append(body[:len(body):len(body)], bytes.Replace(text[len(body):], []byte(noHead), []byte(head), 1)...)
}

// sealed reads a document that leaders write, with its digest.
func sealed[T any](m *Memo, pair Pair) states.Doc[T] {
	return recall(m, withDigest, pair, func(pair Pair) states.Doc[T] {
		doc := read[T](pair)
		doc.Digest = states.Fingerprint(pair.Value)
		return doc
	})
}

// sealedRecord is sealed for the record, whose digest is without its head.
func sealedRecord(m *Memo, pair Pair) states.Doc[states.Record] {
	return recall(m, withDigest, pair, func(pair Pair) states.Doc[states.Record] {
		doc := read[states.Record](pair)
		doc.Digest = states.Fingerprint(headless(pair.Value))
		return doc
	})
}

// Ledger reads a cluster with its whole journal in one consistent transaction, so that no leader can
// come between the two.
func (s *Store) Ledger(ctx context.Context, cluster string) (states.Ledger, error) {
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: s.Keys.Freeze()}, {Verb: GetTree, Key: s.Keys.Cluster(cluster)}})
	if err != nil {
		return states.Ledger{}, fmt.Errorf("read cluster %q and its journal: %w", cluster, err)
	}
	ledger := states.Ledger{Snapshot: s.assemble(cluster, pairs), Digests: map[string]string{}}
	for _, pair := range pairs {
		if key, ours := strings.CutPrefix(pair.Key, s.Keys.Cluster(cluster)); ours && pair.Index != 0 {
			s.enter(&ledger, key, pair)
		}
	}
	slices.SortFunc(ledger.Pages, func(a, b states.Page) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), strings.Compare(a.Key, b.Key))
	})
	return ledger, nil
}

// enter puts a key where it belongs in a ledger.
func (s *Store) enter(ledger *states.Ledger, key string, pair Pair) {
	room, name, nested := strings.Cut(key, "/")
	switch {
	case key == states.KeyRecord:
		ledger.Digests[key] = sealedRecord(s.Memo, pair).Digest
	case key == states.KeyDesired, key == states.KeyDefinition, room == "orders" && nested && states.ValidNode(name):
		ledger.Digests[key] = states.Fingerprint(pair.Value)
	case room == "journal" && nested:
		doc := sealed[states.Entry](s.Memo, pair)
		page := states.Page{Doc: doc, Key: key, Digest: doc.Digest}
		if seq, err := strconv.ParseUint(name, 10, 64); err == nil && pair.Key == s.Keys.Entry(ledger.Cluster, seq) {
			page.Seq = seq
		}
		ledger.Pages = append(ledger.Pages, page)
	case (room == "status" || room == "requests") && nested && states.ValidNode(name), key == "leader", key == "freeze":
	default:
		ledger.Strays = append(ledger.Strays, key)
	}
}

// Oldest gives how many entries a journal has, and the one with the lowest number, without reading
// the others.
func (s *Store) Oldest(ctx context.Context, cluster string) (int, states.Doc[states.Entry], error) {
	prefix := s.Keys.Journal(cluster)
	answer, err := s.KV.Watch(ctx, Query{Key: prefix, Prefix: true})
	if err != nil || len(answer.Keys) == 0 {
		return 0, states.Doc[states.Entry]{}, err
	}
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: slices.Min(answer.Keys)}})
	if err != nil || len(pairs) == 0 {
		return 0, states.Doc[states.Entry]{}, err
	}
	return len(answer.Keys), decode[states.Entry](s.Memo, pairs[0]), nil
}

// prunedAtOnce is how many entries one transaction deletes: well below what Consul takes.
const prunedAtOnce = 50

// Prune deletes entries, the oldest first, for as long as the lease is ours and each lies there as
// it was read. What is left after a crash is deleted another time.
func (s *Store) Prune(ctx context.Context, lease *states.Lease, pages []states.Page) error {
	for chunk := range slices.Chunk(pages, prunedAtOnce) {
		ops := []Op{{Verb: CheckSession, Key: s.Keys.Leader(lease.Cluster), Session: lease.Session}}
		for _, page := range chunk {
			ops = append(ops, Op{Verb: DeleteCAS, Key: s.Keys.Cluster(lease.Cluster) + page.Key, Index: page.Index})
		}
		_, err := s.KV.Txn(ctx, ops)
		var failed *TxnError
		switch {
		case errors.As(err, &failed) && failed.Op == 0:
			return fmt.Errorf("compact the journal of %q: %w", lease.Cluster, states.ErrLeaseLost)
		case errors.As(err, &failed):
			return fmt.Errorf("compact the journal of %q: %s: %w", lease.Cluster, ops[failed.Op].Key, states.ErrConflict)
		case err != nil:
			return fmt.Errorf("compact the journal of %q: %w", lease.Cluster, err)
		}
	}
	return nil
}
