package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// typed asks for a word on the terminal. Where there is none, somebody has to have said --yes.
func (a *app) typed(ctx context.Context, what, word string) error {
	if !a.screen.in {
		return usagef("%s: nobody is there to be asked; say --yes", what)
	}
	fmt.Fprint(a.err, a.folded(a.screen.err, fmt.Sprintf("%s. Type %s to go on:", visible(what), visible(word)))+" ")
	answer, err := a.readLine(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(a.err)
		return err
	case answer != word:
		return endingf(exitRefused, "confirm %q: %q was typed; nothing was done", word, answer)
	}
	return nil
}

// readLine waits for a line, or for the end of the context. The reader is left behind then: the
// program ends.
func (a *app) readLine(ctx context.Context) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	if a.answers == nil { // one for all questions: it reads ahead
		a.answers = bufio.NewReader(a.in)
	}
	go func() {
		line, err := a.answers.ReadString('\n')
		read <- result{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case r := <-read:
		if r.err != nil && r.line == "" {
			return "", usagef("read an answer: %w; nothing was done", r.err)
		}
		return r.line, nil
	}
}
