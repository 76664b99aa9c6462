package main

import (
	"context"
	"errors"
	"os"

	"orch/orchestrator"
	"orch/orchestrator/sense"
	"orch/states"
	"orch/states/consulkv"
	"orch/states/hclfile"
	"orch/states/store"
)

var (
	_ orchestrator.Store  = (*store.Store)(nil)
	_ orchestrator.Leaser = (*store.Store)(nil)
	_ library             = (*store.Store)(nil)
	_ sense.Keys          = (*store.Store)(nil)
	_ sense.Catalog       = (*consulkv.Client)(nil)
)

// dial opens the way to Consul, and asks where that is.
func dial(ctx context.Context, c connection) (*consul, error) {
	client, err := consulkv.Open(consulkv.Config{Address: c.Address, TokenFile: c.TokenFile, Datacenter: c.Datacenter,
		CAFile: c.CAFile, CAPath: c.CAPath, ClientCert: c.ClientCert, ClientKey: c.ClientKey, ServerName: c.ServerName})
	if err != nil {
		return nil, err
	}
	keys, err := store.NewKeys(c.Prefix)
	if err != nil {
		return nil, &ending{exitUsage, err}
	}
	at := place{Address: client.Address()}
	if at.Datacenter, err = client.WhereAmI(ctx); err != nil {
		if !errors.Is(err, states.ErrDenied) {
			return nil, err
		}
		at.Datacenter = "datacenter unknown" // a token for orch alone may not ask
	}
	s := store.New(client, keys, hclfile.Parse)
	s.TTL = c.LeaseTTL
	world := sense.New(client, s, programs(os.Getenv("ORCH_CONFIG")))
	return &consul{Store: s, Leaser: s, library: s, place: at, accessor: client.Accessor(ctx), Senses: world, close: world.Close,
		amongServers: client.AmongServers}, nil
}
