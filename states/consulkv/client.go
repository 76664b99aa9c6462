package consulkv

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-cleanhttp"
)

// Config says where Consul is and how to get in. Empty fields are filled from Consul's environment
// variables, then from Consul's defaults.
type Config struct {
	Address    string
	TokenFile  string
	Datacenter string
	CAFile     string
	CAPath     string
	ClientCert string
	ClientKey  string
	ServerName string
}

// Client is a connection to Consul. It is safe for use by several goroutines.
type Client struct {
	polls *api.Client // long polls only: a stuck one never stalls a renewal or a write
	calls *api.Client
	token *token
	dc    string

	address string
}

const (
	callTimeout = 15 * time.Second
	pollSlack   = 15 * time.Second // a poll through a cut-off follower ends that much late
)

// Open makes a Client. Nothing is sent yet.
func Open(c Config) (*Client, error) {
	if err := surroundings(); err != nil {
		return nil, err
	}
	source, err := newToken(c.TokenFile)
	if err != nil {
		return nil, err
	}
	client := &Client{token: source, dc: c.Datacenter}
	for _, which := range []**api.Client{&client.polls, &client.calls} {
		config := api.DefaultConfig()
		config.Transport = cleanhttp.DefaultPooledTransport()
		config.Token, config.TokenFile = "", "" // given with every call
		fill(&config.Address, c.Address)
		if err := addressable(config.Address); err != nil {
			return nil, err
		}
		fill(&config.TLSConfig.CAFile, c.CAFile)
		fill(&config.TLSConfig.CAPath, c.CAPath)
		fill(&config.TLSConfig.CertFile, c.ClientCert)
		fill(&config.TLSConfig.KeyFile, c.ClientKey)
		fill(&config.TLSConfig.Address, c.ServerName)
		client.address = config.Address
		if *which, err = api.NewClient(config); err != nil {
			return nil, fmt.Errorf("connect to consul at %q: %w; see --http-addr and CONSUL_HTTP_ADDR", config.Address, err)
		}
		made, err := newRenewed(config.TLSConfig, config.HttpClient.Transport.(*http.Transport))
		if err != nil {
			return nil, fmt.Errorf("connect to consul at %q: %w", config.Address, err)
		}
		config.HttpClient.Transport = transport{next: made}
	}
	if client.dc == "" {
		client.dc = os.Getenv("CONSUL_DATACENTER")
	}
	return client, nil
}

func fill(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// Address is where Consul is, as it was told or found in the environment.
func (c *Client) Address() string { return c.address }

// query are the options of a read; consistent asks a quorum first.
func (c *Client) query(ctx context.Context, consistent bool) *api.QueryOptions {
	options := &api.QueryOptions{Token: c.token.value(), Datacenter: c.dc, RequireConsistent: consistent}
	return options.WithContext(ctx)
}

func (c *Client) write(ctx context.Context) *api.WriteOptions {
	options := &api.WriteOptions{Token: c.token.value(), Datacenter: c.dc}
	return options.WithContext(ctx)
}

// NodeName is the name of the node whose Consul agent this client talks to.
func (c *Client) NodeName(ctx context.Context) (string, error) {
	config, err := c.self(ctx)
	if err != nil {
		return "", err
	}
	name, _ := config["NodeName"].(string)
	return name, nil
}

// AmongServers tells whether the Consul agent is one of several servers. A session that was made through
// one ends when that server loses the others (hashicorp/consul#20424), while a client agent's lives on by
// its time limit alone: leaders and agents are better off with a client agent.
func (c *Client) AmongServers(ctx context.Context) (bool, error) {
	about, err := c.about(ctx)
	if err != nil {
		return false, err
	}
	server, _ := about["Config"]["Server"].(bool)
	raft, _ := about["Stats"]["raft"].(map[string]any)
	peers, _ := raft["num_peers"].(string)
	return server && peers != "" && peers != "0", nil
}

// WhereAmI is the datacenter of the Consul agent.
func (c *Client) WhereAmI(ctx context.Context) (string, error) {
	if c.dc != "" {
		return c.dc, nil
	}
	config, err := c.self(ctx)
	if err != nil {
		return "", err
	}
	name, _ := config["Datacenter"].(string)
	return name, nil
}

// self is how the Consul agent is configured.
func (c *Client) self(ctx context.Context) (map[string]any, error) {
	about, err := c.about(ctx)
	return about["Config"], err
}

// about asks the Consul agent about itself; the token needs agent:read for it.
func (c *Client) about(ctx context.Context) (map[string]map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var out map[string]map[string]any
	_, err := c.calls.Raw().Query("/v1/agent/self", &out, c.query(ctx, false))
	if err != nil {
		return nil, fmt.Errorf("ask the consul agent about itself: %w", c.reading(err))
	}
	return out, nil
}

// Accessor is the public id of the token, for records of who did what; "" where there is none.
func (c *Client) Accessor(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	token, _, err := c.calls.ACL().TokenReadSelf(c.query(ctx, false))
	if err != nil || token == nil {
		return ""
	}
	return token.AccessorID
}
