package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"orch/states"
)

// Run is a run that a runner executes, or did, as an agent sees it.
type Run struct {
	dir string
	id  string
	cmd *exec.Cmd // nil: another process started it
}

// Command is the name under which a program starts itself as a runner, with the folder behind it.
const Command = "run"

// Start starts the runner of a task in a folder of its own, which exists. From then on it lives and ends
// without this process.
func Start(dir string, task Task) (*Run, error) {
	task.Schema, task.Boot = Schema, BootID()
	if err := store(dir, taskFile, task, true); err != nil {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the runner has it too, and the lock is both's
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock the run's folder: %w", err)
	}
	odds, err := os.OpenFile(filepath.Join(dir, oddsFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer odds.Close()
	program, err := self()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(program, Command, dir)
	cmd.Args[0] = "convergeagent"
	cmd.Env, cmd.Stderr, cmd.ExtraFiles = task.Env, odds, []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	keepFiles()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the runner: %w", err)
	}
	return &Run{dir: dir, id: task.Run, cmd: cmd}, nil
}

// Find gives a run that another process started, by its folder and its id. Where there is none, nothing was.
func Find(dir, id string) (*Run, bool) {
	_, err := os.Stat(filepath.Join(dir, taskFile))
	if err != nil {
		_, err = os.Stat(filepath.Join(dir, resultFile))
	}
	return &Run{dir: dir, id: id}, err == nil
}

// Await returns how the run ended, once nothing of it is alive. While it goes on, said hears the last
// line of its output. Where its runner is gone without a result, what is left of the run is ended. An
// error is the context's: the run may go on.
func (r *Run) Await(ctx context.Context, said func(string)) (Result, error) {
	lock, err := os.Open(r.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.bury(ctx)
	case err != nil: // nobody knows whether it goes on
		if err := pause(ctx); err != nil {
			return Result{}, err
		}
		return r.Await(ctx, said)
	}
	defer lock.Close()
	tick := time.NewTicker(awaitTime)
	defer tick.Stop()
	view := &viewer{dir: r.dir}
	for errors.Is(syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		if lines, news := view.look(); news && said != nil {
			said(lines[len(lines)-1])
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	}
	if r.cmd != nil {
		_ = r.cmd.Wait() // how it ended is in its result
	}
	var end result
	err = load(r.dir, resultFile, &end)
	if errors.Is(err, fs.ErrNotExist) {
		return r.bury(ctx)
	}
	if err != nil {
		return Result{Outcome: states.Interrupted, Exit: -1, Error: "its result is of no use: " + err.Error()}, nil
	}
	return end.told(), nil
}

// bury ends what is left of a run whose runner is gone, and writes down that there will be no result.
func (r *Run) bury(ctx context.Context) (Result, error) {
	var task Task
	useless := load(r.dir, taskFile, &task)
	left := mark{Boot: task.Boot}
	began := load(r.dir, markFile, &left) == nil
	left.Run = r.id
	for sweep(ctx, left) != nil {
		if err := pause(ctx); err != nil {
			return Result{}, err
		}
	}
	final := Result{Outcome: states.Interrupted, Exit: -1, Log: task.Log, Ended: time.Now().UTC().Round(0)}
	final.Tail, _ = (&viewer{dir: r.dir}).look()
	switch {
	case useless != nil:
		final.Error = "its task is of no use: " + useless.Error()
	case rebooted(task.Boot):
		final.Error, final.Free = byReboot, true
	case !began:
		final.Error, final.Free = "interrupted: its agent ended before anything ran", true
	default:
		final.Error = "interrupted: its runner was killed" + r.odds()
	}
	_ = finishLog(task.Log, r.dir, final.ending()) // the log may be gone; how it ended is told all the same
	if store(r.dir, resultFile, result{Schema: Schema, Boot: BootID(), Result: final}, true) == nil {
		tidy(r.dir)
	}
	return final, nil
}

// pause waits before what could not be done is tried again. An error is the context's.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return nil
	}
}

// odds is what the runner complained of, in one line.
func (r *Run) odds() string {
	text, _ := os.ReadFile(filepath.Join(r.dir, oddsFile))
	if len(text) == 0 {
		return ""
	}
	return ": " + states.Clip(Clean(string(text)), 200)
}

// End tells the run to end, gracefully, and tells whether there was anybody to tell: a runner that was
// just started may not be there yet.
func (r *Run) End() bool { return r.signal(syscall.SIGTERM) }

// Kill tells the run to end at once.
func (r *Run) Kill() bool { return r.signal(syscall.SIGQUIT) }

func (r *Run) signal(signal syscall.Signal) bool {
	var m mark
	return load(r.dir, markFile, &m) == nil && m.there() && m.signal(signal) == nil
}

// Forget removes what is kept of a run that has ended. Its log stays.
func Forget(dir string) error { return os.RemoveAll(dir) }

// Tidy removes what ends like the folder of a run and nothing knows of any more; a run that goes on keeps its own.
func Tidy(parent, ending string) error {
	entries, err := os.ReadDir(parent)
	errs := []error{err}
	for _, entry := range entries {
		dir := filepath.Join(parent, entry.Name())
		if !strings.HasSuffix(dir, ending) {
			continue
		}
		lock, err := os.Open(dir)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			errs = append(errs, os.RemoveAll(dir))
		}
		errs = append(errs, lock.Close())
	}
	return errors.Join(errs...)
}

// Sweep ends what is left of a run that has no folder: an older version started it.
func Sweep(ctx context.Context, run string) error { return sweep(ctx, mark{Run: run, Boot: BootID()}) }
