package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"orch/states/skiptest"
)

// network joins the hosts of a lab: by namespaces and a bridge, or, where those are not allowed, by
// addresses of loopback that nothing can cut.
type network struct {
	t      *testing.T
	prefix string // of the namespaces' names; "": loopback
	subnet int
}

// namespaces tells whether this process may make network namespaces, and why not.
func namespaces() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("only root may make them")
	}
	name := fmt.Sprintf("orch-try-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns add: %w: %s", err, out)
	}
	return exec.Command("ip", "netns", "del", name).Run()
}

func newNetwork(t *testing.T, hosts []string) *network {
	t.Helper()
	n := &network{t: t, subnet: 1 + rand.IntN(250)}
	if err := namespaces(); err != nil {
		t.Logf("no network namespaces here: %v", err)
		return n
	}
	n.prefix = fmt.Sprintf("orch-%d-%d-", os.Getpid(), n.subnet)
	n.add("hub")
	n.run("-n", n.prefix+"hub", "link", "add", "br0", "type", "bridge")
	n.run("-n", n.prefix+"hub", "link", "set", "br0", "up")
	for i, name := range hosts {
		n.add(name)
		n.run("-n", n.prefix+"hub", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", n.prefix+name)
		n.run("-n", n.prefix+"hub", "link", "set", name, "master", "br0", "up")
		n.run("-n", n.prefix+name, "addr", "add", n.ip(i)+"/24", "dev", "eth0")
		n.run("-n", n.prefix+name, "link", "set", "eth0", "up")
		n.run("-n", n.prefix+name, "link", "set", "lo", "up")
	}
	return n
}

func (n *network) add(name string) {
	n.run("netns", "add", n.prefix+name)
	n.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n.prefix+name).Run() })
}

func (n *network) run(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// ip is the address of the i-th host.
func (n *network) ip(i int) string {
	if n.prefix == "" {
		return fmt.Sprintf("127.77.%d.%d", n.subnet, i+1)
	}
	return fmt.Sprintf("10.77.%d.%d", n.subnet, i+1)
}

// enter is what stands before a command that is to run on a host.
func (n *network) enter(host string) []string {
	if n.prefix == "" {
		return nil
	}
	return []string{"nsenter", "--net=/run/netns/" + n.prefix + host}
}

// cuts skips a test that needs networks to be cut, where that is not possible.
func (n *network) cuts() {
	n.t.Helper()
	if n.prefix == "" {
		skiptest.Lacks(n.t, "network namespaces are not to be had here: this test cuts networks")
	}
}

// cut takes a host off the network, and join puts it back.
func (n *network) cut(host string) {
	n.run("-n", n.prefix+"hub", "link", "set", host, "down")
}

func (n *network) join(host string) { n.run("-n", n.prefix+"hub", "link", "set", host, "up") }

// deafen has a host send nothing to an address any more: what comes from there still arrives.
func (n *network) deafen(host, ip string) {
	n.run("-n", n.prefix+host, "route", "add", "blackhole", ip+"/32")
}

func (n *network) mend(host, ip string) {
	n.run("-n", n.prefix+host, "route", "del", "blackhole", ip+"/32")
}

// slow has what a host sends wait for a line that takes so much.
func (n *network) slow(host, rate string) {
	n.tool("tc", host, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "4kb", "latency", "2s")
}

func (n *network) fast(host string) { n.tool("tc", host, "qdisc", "del", "dev", "eth0", "root") }

// delayed counts the packets that waited for the line.
func (n *network) delayed(host string) int {
	var lines []struct {
		Kind       string
		Overlimits int
	}
	text := n.tool("tc", host, "-s", "-j", "qdisc", "show", "dev", "eth0")
	must(n.t, json.Unmarshal([]byte(text), &lines))
	return lines[0].Overlimits
}

// filter does to a part of a host's packets what the rule says; input: what arrives, output: what leaves.
func (n *network) filter(host, way, rule string) {
	n.tool("nft", host, "add table inet faults; add chain inet faults "+way+" { type filter hook "+way+" priority 0; }; add rule inet faults "+way+" iif lo accept; add rule inet faults "+way+" "+rule)
}

func (n *network) unfilter(host string) { n.tool("nft", host, "delete table inet faults") }

// filtered counts what the filter struck.
func (n *network) filtered(host string) int {
	text := n.tool("nft", host, "-j", "list", "table", "inet", "faults")
	var list struct {
		Nftables []struct {
			Rule struct {
				Expr []struct{ Counter struct{ Packets int } }
			}
		}
	}
	must(n.t, json.Unmarshal([]byte(text), &list))
	struck := 0
	for _, entry := range list.Nftables {
		for _, expr := range entry.Rule.Expr {
			struck += expr.Counter.Packets
		}
	}
	return struck
}

// tool runs a program in the network of a host.
func (n *network) tool(name, host string, args ...string) string {
	n.t.Helper()
	command := append(append(n.enter(host), name), args...)
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(command, " "), err, out)
	}
	return string(out)
}
