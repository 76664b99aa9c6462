package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"orch/states"
	"orch/states/consulkv"
)

func newSign(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "make keys for signed states",
		Long: `Sign makes keys. An agent whose file has a trust block obeys only what is
signed by one of the keys in there, each for the states that it may sign;
whoever may write into Consul can then delay a move, and make none.

The verbs that start a move sign it with --sign-key, or the file that
ORCH_SIGN_KEY names: transition, rollback, reconverge, recover, and apply
where a cluster is born.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: cobra.NoArgs,
	}
	for _, command := range []*cobra.Command{newKeygen(a), newPublic(a)} {
		strict(command)
		cmd.AddCommand(command)
	}
	return cmd
}

// keyOptions say how a key is written into a trust block.
type keyOptions struct {
	app    *app
	name   string
	states []string
	out    string
}

func (o *keyOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.name, "name", "ci", "what agents call the key")
	cmd.Flags().StringSliceVar(&o.states, "state", nil, `a state that it may sign, or "*" for all; may be repeated`)
}

func newKeygen(a *app) *cobra.Command {
	o := &keyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "keygen --out FILE --state STATE…",
		Short: "make a key, and print its block for the agents' trust",
		Long: `Keygen makes an Ed25519 key, writes it into a file that nobody else can read,
and prints what belongs into the trust block of every agent. A file that is
there is never written over. To change keys, let agents trust both for a
while.`,
		Example: "  orch sign keygen --out ci.key --name ci --state version --state converged\n  orch sign keygen --out ops.key --name ops --state \"*\"",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return o.keygen() },
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "the `file` to make")
	return cmd
}

func newPublic(a *app) *cobra.Command {
	o := &keyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "public FILE --state STATE…",
		Short: "print the block of a key that is there",
		Long: `Public prints what belongs into the trust block of every agent, from the file
of a key: one of orch sign keygen, or of openssl genpkey -algorithm ed25519.`,
		Example: "  orch sign public ci.key --name ci --state version",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.public(args[0]) },
	}
	o.flags(cmd)
	return cmd
}

// keyJSON is what is public of a key.
type keyJSON struct {
	Schema int      `json:"schema"`
	Name   string   `json:"name"`
	Public string   `json:"public"`
	States []string `json:"states"`
	File   string   `json:"file"`
}

func (o *keyOptions) keygen() error {
	switch err := o.check(); {
	case err != nil:
		return err
	case o.out == "":
		return usagef("make a key: name the file with --out")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if err := writeKey(o.out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	return o.print(key, o.out)
}

// writeKey makes a file that only its owner can read.
func writeKey(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half a key is none
	}
	return nil
}

func (o *keyOptions) public(path string) error {
	if err := o.check(); err != nil {
		return err
	}
	key, err := readKey(path)
	if err != nil {
		return err
	}
	return o.print(key, path)
}

func (o *keyOptions) check() error {
	switch {
	case !states.ValidID(o.name):
		return usagef("read --name %q: a key's name is small letters, digits and hyphens", o.name)
	case len(o.states) == 0:
		return usagef("name the states that the key may sign: --state version, as often as needed; --state \"*\" for all")
	}
	for _, name := range o.states {
		if name != states.AnyState && !states.ValidState(name) {
			return usagef("read --state %q: it is the name of a state, without an argument, or \"*\"", name)
		}
	}
	return nil
}

// print writes the block for the trust of agents.
func (o *keyOptions) print(key ed25519.PrivateKey, path string) error {
	public := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	if o.app.json() {
		return o.app.printJSON(keyJSON{states.Schema, o.name, public, o.states, path})
	}
	var names []string
	for _, name := range o.states {
		names = append(names, fmt.Sprintf("%q", name))
	}
	_, err := fmt.Fprintf(o.app.out, "# in the trust block of every agent's file:\nkey %q {\n  public = %q\n  states = [%s]\n}\n", o.name, public, strings.Join(names, ", "))
	return err
}

// readKey reads the private half of a key, from a file that is as private as a token's.
func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := consulkv.ReadSecret(path)
	if err != nil {
		return nil, fmt.Errorf("read the key %q: %w", path, err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, fmt.Errorf("read the key %q: it is no key as orch sign keygen makes it", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("read the key %q: it is no Ed25519 key; orch sign keygen makes one", path)
	}
	return key, nil
}

// sign finishes a warrant, and signs it for this Consul.
func (s *signing) sign(ctx context.Context, c *consul, w states.Warrant) (*states.Warrant, error) {
	key, err := readKey(s.file())
	if err != nil {
		return nil, err
	}
	if w.Tree, err = c.identify(ctx, w.Cluster); err != nil {
		return nil, err
	}
	w.Signed = s.app.now()
	w.NotAfter = w.Signed.Add(s.valid.D())
	signed, err := w.Sign(key)
	if err != nil {
		return nil, fmt.Errorf("sign the move of %q: %w", w.Cluster, err)
	}
	return &signed, nil
}

// warrantScreen says what a request was signed for, attributes and all: whoever signs may look at it.
func warrantScreen(p *page, request states.Request) {
	w := request.Warrant
	if w == nil {
		return
	}
	spell := func(permits []states.Permit) string {
		var names []string
		for _, permit := range permits {
			name := states.Ref{Name: permit.Name, Argument: permit.Argument}.String()
			if permit.Attributes != "" {
				name += " (attributes " + permit.Attributes[:12] + ")"
			}
			names = append(names, name)
		}
		return strings.Join(names, ", ")
	}
	said := "until " + w.NotAfter.Format("2006-01-02 15:04Z")
	if len(w.Return) > 0 {
		said = "back to " + spell(w.Return) + ", " + said
	}
	if len(w.Enter) > 0 {
		said = spell(w.Enter) + ", " + said
	}
	p.blank()
	p.wrap(text("signed for "), said)
}
