package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"orch/states"
)

// Schema is the number in every file of a run's folder. Agent and runner can be of different versions,
// where the one was replaced while the other went on.
const Schema = 1

// The files of a run's folder.
const (
	taskFile   = "task.json"
	markFile   = "runner.json"
	liveFile   = "live.json"
	resultFile = "result.json"
	oddsFile   = "runner.err" // what the runner itself complains of
)

// Task is all that a runner is told.
type Task struct {
	Schema  int             `json:"schema"`
	Cluster string          `json:"cluster"`
	Node    string          `json:"node"`
	Run     string          `json:"run"`
	Title   string          `json:"title"` // heads its part of the log
	Tool    string          `json:"tool,omitempty"`
	Argv    []string        `json:"argv"`
	Env     []string        `json:"env"` // has ORCH_RUN
	Timeout states.Duration `json:"timeout"`
	Log     string          `json:"log,omitempty"`      // empty: nobody reads one
	Parent  int             `json:"parent,omitempty"`   // process that it ends with; 0: it outlives whoever started it
	LockDir string          `json:"lock_dir,omitempty"` // empty: no lock of the host is taken
	Cgroup  string          `json:"cgroup,omitempty"`   // folder that the run's own is made in; empty: none is
	Boot    string          `json:"boot"`
}

// Result is how a run ended.
type Result struct {
	Outcome states.Outcome `json:"outcome"` // empty: it has not
	Exit    int            `json:"exit"`
	Signal  string         `json:"signal,omitempty"`
	Error   string         `json:"error,omitempty"`
	Tail    []string       `json:"tail,omitempty"`   // the last lines of output, clean
	Log     string         `json:"log,omitempty"`    // path of the whole output
	Change  string         `json:"change,omitempty"` // where the tool says so
	Free    bool           `json:"free,omitempty"`   // nothing of it counts as a try: nothing ran, or the node went down
	Ended   time.Time      `json:"ended,omitzero"`
	Seconds float64        `json:"seconds,omitempty"`
}

// OK tells whether the run did what it should.
func (r Result) OK() bool { return r.Outcome == states.Succeeded }

// ending says in one line how it was, for the log.
func (r Result) ending() string {
	run := states.Run{Outcome: r.Outcome, Exit: r.Exit, Signal: r.Signal, Error: r.Error, Seconds: r.Seconds}
	return run.Ending()
}

// Reading makes sense of what a tool prints and of the code that it ends with.
type Reading struct {
	Heard func(line string)   // takes every line; nil: nobody listens
	Judge func(Result) Result // nil: 0 is success
}

// result is Result as it lies in its file.
type result struct {
	Schema int    `json:"schema"`
	Boot   string `json:"boot"` // in which it was written
	Result
}

// told is the result as it is told. What was told to end before the machine was started anew, and nobody
// heard of till then, was told so by that.
func (r result) told() Result {
	if rebooted(r.Boot) && r.Outcome == states.Interrupted {
		r.Error, r.Free = byReboot, true
	}
	return r.Result
}

// byReboot says that the machine went down under a run.
const byReboot = "interrupted by a reboot of the node"

// load reads a file of a run's folder.
func load(dir, name string, into any) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	var head struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if head.Schema != Schema {
		return fmt.Errorf("read %s: its schema is %d, and this version understands %d", name, head.Schema, Schema)
	}
	return json.Unmarshal(text, into)
}

// store writes a file of a run's folder so that the old one or the new one is there, whole; durable is
// what it is for after a crash of the machine.
func store(dir, name string, document any, durable bool) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(dir, name+".new")
	_ = os.Remove(temp) // of one who died over it: only one writes in a folder
	err = write(temp, append(text, '\n'), durable)
	if err == nil {
		err = os.Rename(temp, filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(temp)
		return fmt.Errorf("write %s: %w", name, err)
	}
	if durable {
		return syncDir(dir)
	}
	return nil
}

func write(path string, text []byte, durable bool) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil && durable {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
