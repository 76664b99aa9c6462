//go:build race

package convergeagent

func init() { raced = true }
