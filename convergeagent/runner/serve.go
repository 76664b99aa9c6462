package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"orch/states"
)

// lockFD is where a runner finds the lock on its folder.
const lockFD = 3

// Serve is the runner: it executes the task of a folder to its end. readings gives for the name of a
// tool what its output and exit codes mean.
func Serve(dir string, readings func(tool string) Reading) error {
	if err := takeOver(dir); err != nil {
		return err
	}
	r := &runner{dir: dir}
	if err := load(dir, taskFile, &r.task); err != nil {
		return err
	}
	r.reading = readings(r.task.Tool)
	ctx, end := r.listen()
	defer end()
	began := time.Now()
	final := r.run(ctx)
	final.Log, final.Ended, final.Seconds = r.task.Log, time.Now().UTC().Round(0), time.Since(began).Seconds()
	return r.deliver(final)
}

// takeOver keeps the lock that the agent took, and makes sure that no converge inherits it.
func takeOver(dir string) error {
	syscall.CloseOnExec(lockFD)
	var held, own syscall.Stat_t
	if syscall.Fstat(lockFD, &held) != nil || syscall.Stat(dir, &own) != nil || held.Ino != own.Ino || held.Dev != own.Dev {
		return fmt.Errorf("run %q: only an agent starts a runner, and hands it the lock on its folder", dir)
	}
	return nil
}

// runner is one run.
type runner struct {
	dir     string
	task    Task
	reading Reading
	hurry   chan struct{} // closed: whoever wants the run to end does not want to wait
	lines   *tail
	log     *runlog
	left    string // what the converge left running; "": nothing
}

// listen gives a context that ends when the run is told to end, by SIGTERM. SIGQUIT closes hurry too. What is
// meant for a terminal is taken and dropped: to ignore it would be inherited by the converge.
func (r *runner) listen() (context.Context, func()) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, os.Interrupt)
	signals, ended := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGQUIT)
	ctx, cancel := context.WithCancel(context.Background())
	r.hurry = make(chan struct{})
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		parents := time.NewTicker(liveTime)
		defer parents.Stop()
		for hurried := false; ; {
			select {
			case <-ended:
				return
			case <-parents.C:
				if r.task.Parent != 0 && os.Getppid() != r.task.Parent {
					cancel()
				}
			case told := <-signals:
				cancel()
				if told == syscall.SIGQUIT && !hurried {
					hurried = true
					close(r.hurry)
				}
			}
		}
	}()
	return ctx, func() { close(ended); <-listening; cancel() }
}

// deliver makes the result durable, however long the disk takes: nothing of the run is alive any more. In a
// folder that was removed nobody would ever look for it.
func (r *runner) deliver(final Result) error {
	for {
		err := store(r.dir, resultFile, result{Schema: Schema, Boot: BootID(), Result: final}, true)
		if err == nil {
			tidy(r.dir)
			return nil
		}
		var own syscall.Stat_t
		if syscall.Fstat(lockFD, &own) == nil && own.Nlink == 0 {
			return err
		}
		fmt.Fprintln(os.Stderr, "the result is not written yet:", err)
		select {
		case <-time.After(time.Second):
		case <-r.hurry:
			return err
		}
	}
}

// tidy removes everything of a run that is over but how it ended.
func tidy(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Name() != resultFile {
			_ = os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
	}
}

func failed(err error) Result {
	return Result{Outcome: states.ExitedBadly, Exit: -1, Error: "could not be started: " + err.Error()}
}

// run converges, and returns when nothing of that is alive any more.
func (r *runner) run(ctx context.Context) (final Result) {
	log, err := openLog(r.task.Log, r.task.Title, r.dir)
	if err != nil {
		return failed(fmt.Errorf("open log: %w", err))
	}
	r.log, r.lines = log, &tail{heard: r.reading.Heard}
	stop := r.show()
	defer func() {
		stop()
		if err := log.close(final.ending()); err != nil && final.Error == "" { // a log that cannot be written costs the log, not the run
			final.Error = "its log is not whole: " + err.Error()
		}
	}()
	return r.contained(ctx)
}

// contained takes the host and converges inside a box.
func (r *runner) contained(ctx context.Context) Result {
	box, err := newBox(r.task.Cgroup, fmt.Sprintf("%s%s-%d", cgroupPrefix, r.task.Run, os.Getpid()))
	if err != nil {
		return failed(err)
	}
	defer box.discard()
	own, err := markOf(r.task, string(box.cgroup))
	if err == nil {
		err = store(r.dir, markFile, own, false)
	}
	if err != nil {
		return failed(err)
	}
	began := uptime()
	host, err := takeHost(ctx, r.task.LockDir, own, r.task.Timeout.D()/2, r.say)
	var taken *hostError
	switch {
	case errors.As(err, &taken):
		return Result{Outcome: states.ExitedBadly, Exit: -1, Error: "blocked: " + err.Error(), Tail: r.lines.last()}
	case ctx.Err() != nil:
		return Result{Outcome: states.Interrupted, Exit: -1, Error: "told to end before anything ran", Free: true}
	case err != nil:
		return failed(err)
	}
	defer host.free()
	return r.converge(ctx, box, r.task.Timeout.D()-(uptime()-began))
}

// converge starts the command and stays with it to its end, and to that of all that it started.
func (r *runner) converge(ctx context.Context, box *box, timeout time.Duration) Result {
	program := r.task.Argv[0]
	if !strings.ContainsRune(program, filepath.Separator) {
		found, err := exec.LookPath(program)
		if err != nil {
			return failed(err)
		}
		program = found
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return failed(err)
	}
	defer reader.Close()
	err = box.start(program, r.task.Argv, r.task.Env, writer)
	if err = errors.Join(err, writer.Close()); err != nil {
		return failed(err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.CopyBuffer(io.MultiWriter(r.log, r.lines), onlyReader{reader}, make([]byte, 64<<10))
	}()
	final := r.attend(ctx, box, timeout)
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		_ = reader.SetReadDeadline(time.Now()) // wakes the copy: somebody outside the run holds the pipe
		<-drained
	}
	if ctx.Err() != nil && (final.Outcome == states.ExitedBadly || final.Outcome == states.Killed) {
		final.Outcome, final.Error = states.Interrupted, toldToEnd // as everything is when the machine goes down; its own end came first
	}
	r.lines.last() // whoever judges has heard all of it
	if r.reading.Judge != nil {
		final = r.reading.Judge(final)
	}
	if r.left != "" {
		r.say(r.left)
		final.Error = cmp.Or(final.Error, r.left)
	}
	final.Tail = r.lines.last()
	return final
}

// onlyReader hides every other method, so that a copy goes through our buffer and stays flat.
type onlyReader struct{ io.Reader }

// say puts a line of the runner's own into the output.
func (r *runner) say(text string) {
	line := "convergeagent: " + text + "\n"
	_, _ = r.log.Write([]byte(line))
	_, _ = r.lines.Write([]byte(line))
}
