package consulkv

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/consul/api"

	"orch/states"
)

// surroundings finds the switches of Consul's environment that are neither on nor off. Consul's own client
// takes them for not there, and so would speak in the clear where somebody wrote CONSUL_HTTP_SSL=yes.
func surroundings() error {
	for _, name := range []string{api.HTTPSSLEnvName, api.HTTPSSLVerifyEnvName} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if _, err := strconv.ParseBool(value); err != nil {
			return fmt.Errorf("read %s: it is %q; set it to true or false, or take it out of the environment", name, states.Clip(value, maxShown))
		}
	}
	return nil
}

// addressable finds what cannot be an address, before anybody asks there for ever.
func addressable(address string) error {
	printable := func(r rune) bool { return r < unicode.MaxASCII && unicode.IsGraphic(r) && r != ' ' }
	if len(address) > maxAddress || strings.ContainsFunc(address, func(r rune) bool { return !printable(r) }) {
		return fmt.Errorf("connect to consul at %q: that is no address, as 127.0.0.1:8500 or https://consul.example:8501 is; see --http-addr and CONSUL_HTTP_ADDR",
			states.Clip(address, maxShown))
	}
	return nil
}

// Limits of an address, the path of a socket among them, and of how much of a wrong one is shown.
const (
	maxAddress = 1000
	maxShown   = 100
)
