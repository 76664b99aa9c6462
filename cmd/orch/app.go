package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what every verb is given: the streams, the facts about them, the clock, and the way to
// Consul. Nothing in this package reads a global.
type app struct {
	in       io.Reader
	out, err io.Writer
	screen   screen
	now      func() time.Time
	patience time.Duration // with somebody who leads for a moment
	env      func(string) string
	self     string // how this program was called
	dial     func(context.Context, connection) (*consul, error)

	connection connection
	output     string
	answers    *bufio.Reader // of in, once something was asked
	closing    []func()      // what has to be ended before the program does
}

// screen is what is known of the terminal, if there is one.
type screen struct {
	in, out bool // stdin, stdout is a terminal
	err     bool // stderr is one
	colour  bool
	size    func() (width, height int) // now; 0, 0: unknown
	hurry   *hurry
}

func realApp() *app {
	return &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, screen: realScreen(),
		now: time.Now, patience: 5 * time.Second, env: os.Getenv, self: os.Args[0], dial: dial}
}

// run does what the arguments say, and gives the exit code.
func run(a *app, args []string) int {
	ctx, stop := interruptible(a.screen.hurry)
	defer stop()
	defer func() {
		for _, end := range a.closing {
			end()
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := checkDashes(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exitDone
	}
	if text := message(err); text != "" {
		fmt.Fprintln(a.err, a.folded(a.screen.err, "orch: "+shortened(visible(text))))
	}
	return exitCode(err)
}

// operator is who asks, as it is recorded.
func (a *app) operator() string {
	if who := recorded(a.env("ORCH_OPERATOR"), longName); who != "" {
		return who
	}
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

func (a *app) json() bool { return a.output == "json" }

// log is where the parts that log do so: nowhere, unless ORCH_LOG names a level.
func (a *app) log() hclog.Logger {
	level := hclog.LevelFromString(a.env("ORCH_LOG"))
	if level == hclog.NoLevel {
		level = hclog.Off
	}
	return hclog.New(&hclog.LoggerOptions{Name: "orch", Output: a.err, Level: level})
}

// globals are the flags of every verb, with Consul's names. There is no --token: arguments are public.
func (a *app) globals(flags *pflag.FlagSet) {
	c := &a.connection
	flags.StringVar(&c.Address, "http-addr", "", "address of Consul (CONSUL_HTTP_ADDR)")
	flags.StringVar(&c.TokenFile, "token-file", "", "file with the token (CONSUL_HTTP_TOKEN_FILE, CONSUL_HTTP_TOKEN)")
	flags.StringVar(&c.Datacenter, "datacenter", "", "datacenter, if not the agent's own (CONSUL_DATACENTER)")
	flags.StringVar(&c.CAFile, "ca-file", "", "certificate authority (CONSUL_CACERT)")
	flags.StringVar(&c.CAPath, "ca-path", "", "folder of certificate authorities (CONSUL_CAPATH)")
	flags.StringVar(&c.ClientCert, "client-cert", "", "client certificate (CONSUL_CLIENT_CERT)")
	flags.StringVar(&c.ClientKey, "client-key", "", "key of the client certificate (CONSUL_CLIENT_KEY)")
	flags.StringVar(&c.ServerName, "tls-server-name", "", "name in Consul's certificate (CONSUL_TLS_SERVER_NAME)")
	flags.StringVar(&c.Prefix, "prefix", a.envOr("ORCH_PREFIX", "orch"), "where everything lies in Consul's KV (ORCH_PREFIX)")
	flags.DurationVar(&c.LeaseTTL, "lease-ttl", 30*time.Second, "how long the lease of a leader that died stays taken")
	flags.StringVarP(&a.output, "output", "o", "text", "text or json")
}

func (a *app) envOr(name, otherwise string) string {
	if value := a.env(name); value != "" {
		return value
	}
	return otherwise
}

// connect is called by every verb that needs Consul.
func (a *app) connect(cmd *cobra.Command) (*consul, error) {
	c := a.connection
	c.Log = a.log()
	opened, err := a.dial(cmd.Context(), c)
	if err == nil && opened.close != nil {
		a.closing = append(a.closing, opened.close)
	}
	return opened, err
}
