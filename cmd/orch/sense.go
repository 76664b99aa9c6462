package main

import (
	"errors"
	"io/fs"
	"os"

	"orch/orchestrator/sense"
	"orch/states/hclfile"
)

// leaderFile says which programs of this machine answer gates; ORCH_CONFIG names another.
const leaderFile = "/etc/orch/orch.hcl"

// programs reads the file each time: once it is mended, a move that waits for a gate goes on. Only
// the usual file may be missing; one that somebody named has to be there.
func programs(named string) sense.Programs {
	return func() (map[string][]string, error) {
		path := named
		if path == "" {
			path = leaderFile
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				return nil, nil
			}
		}
		config, diags := hclfile.LoadLeader(path)
		return config.Gates, diags.Err()
	}
}
