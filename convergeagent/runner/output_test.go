package runner

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a\nb\n", "a|b"},
		{"no end", "no end"},
		{"\x1b[1;31mred\x1b[0m\tand\x07 bell\n", "red and bell"},
		{"10%\r50%\r100%\r\n", "10%|50%|100%"},
		{"bad \xff\xfe utf8\n", "bad \uFFFD utf8"},
		{"right\u202Eleft\u200B\n", "rightleft"},
		{"\x1b]0;title\x07text\n", "text"},
		{strings.Repeat("x", 5000) + "\nb", "…|b"},
		{strings.Repeat("x ", 2500) + "\nb", strings.Repeat("x ", lineBytes/2-1) + "…|b"},
		{strings.Repeat("x ", 2040) + "password=" + strings.Repeat("p", 20) + "\nb", strings.Repeat("x ", 2040) + "…|b"},
	} {
		got := &tail{}
		for i := range len(c.in) {
			_, _ = got.Write([]byte{c.in[i]})
		}
		if text := strings.Join(got.last(), "|"); text != c.want {
			t.Errorf("%q gives %q, want %q", c.in, text, c.want)
		}
	}
	many := &tail{}
	_, _ = many.Write([]byte(strings.Repeat("line\n", 1000) + "last\n"))
	if got := many.last(); len(got) != tailLines || got[tailLines-1] != "last" {
		t.Errorf("it keeps %d lines", len(got))
	}
}

// What is shown while a run goes on may end anywhere: in the middle of a secret, which nobody would know by its half.
func TestALineThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Continue? [y/N] ": "Continue? [y/N]", "Password:": "Password:", "Overwrite (yes/no)?": "Overwrite (yes/no)?", "really? [y/N]": "really? [y/N]",
		"whole\nhalf": "whole", "token 8f2a5c2e-11d0-4": "token …", "password=hun": "", "{\"password\":\"hun": "{\"password\":…",
	} {
		got := &tail{}
		_, _ = got.Write([]byte(in))
		if lines, _ := got.fresh(); strings.Join(lines, "|") != want {
			t.Errorf("of %q it shows %q, want %q", in, lines, want)
		}
	}
}

// A private key is of many lines, none of which tells what it is.
func TestPrivateKeysStayOnTheNode(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 26)
	for in, want := range map[string]string{
		"a\n-----BEGIN PRIVATE KEY-----\n" + key + "-----END PRIVATE KEY-----\nb\n":                "a|[hidden]|b",
		"+-----BEGIN OPENSSH PRIVATE KEY-----\n" + key + "+-----END OPENSSH PRIVATE KEY-----\nb\n": "+[hidden]|b",
		"-----BEGIN RSA PRIVATE KEY-----\n" + key + "MIIEvQIBADANBgk":                              "[hidden]",
		`key: "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"` + "\nb\n":          `key: "[hidden]|b`,
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n":                           "-----BEGIN CERTIFICATE-----|MIIB|-----END CERTIFICATE-----",
		"-----BEGIN PRIVATE KEY----- is missing\n" + strings.Repeat("x\n", keyLines) + "b\n":       "[hidden]|b",
	} {
		for _, step := range []int{1, 7, 4096} {
			got := &tail{}
			for part := range slices.Chunk([]byte(in), step) {
				_, _ = got.Write(part)
				if lines, _ := got.fresh(); strings.Contains(strings.Join(lines, ""), "MIIE") {
					t.Errorf("meanwhile it shows %q", lines)
				}
			}
			if text := strings.Join(got.last(), "|"); text != want {
				t.Errorf("%q gives %q, want %q", in, text, want)
			}
		}
	}
}

func TestLogKeepsHeadAndTail(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, logHead, logHead + 10, logHead + logTail, logHead + logTail + 10, logHead + 3*logTail + 7} {
		dir := filepath.Join(t.TempDir(), "of [web]*") // no pattern
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "r.log")
		log, err := openLog(path, "title", dir)
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, size)
		for i := range data {
			data[i] = 'a' + byte(i%26)
		}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 70_001)
			_, _ = log.Write(rest[:n])
			rest = rest[n:]
		}
		if size%2 == 0 { // its runner came to the end of it, or was killed
			err = log.close("ok")
		} else {
			err = finishLog(path, dir, "ok")
		}
		if err != nil {
			t.Fatal(err)
		}
		written, _ := os.ReadFile(path)
		want := string(data)
		if cut := size - logHead - logTail; cut > 0 {
			want = string(data[:logHead]) + "\n--- " + strconv.Itoa(cut) + " bytes were cut here ---\n" + string(data[logHead+cut:])
		}
		if string(written) != "--- title ---\n"+want+"\n--- ok ---\n" {
			t.Errorf("of %d bytes the log is wrong", size)
		}
	}
}

func TestOldLogsAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 30 {
		path := filepath.Join(dir, strconv.Itoa(i)+".log")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1000+i), 0)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := rotate(dir, 5); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(dir + "/*.log")
	if len(left) != 5 || filepath.Base(left[0]) != "25.log" {
		t.Errorf("left are %q", left)
	}
}

// A run that is tried for weeks has as many tries as it likes, and a log of a size that somebody can think of.
func TestALogHasAnEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "r.log")
	for _, size := range []int64{logMost, logMost + 1} {
		if err := errors.Join(os.WriteFile(path, []byte("before\n"), 0o600), os.Truncate(path, size)); err != nil {
			t.Fatal(err)
		}
		log, err := openLog(path, "try 9", dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.close("ok"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if kept := strings.HasPrefix(string(text), "before\n"); err != nil || kept != (size == logMost) || kept == strings.Contains(string(text), "earlier tries") {
			t.Errorf("of %d bytes %d are left: %.200q %v", size, len(text), text, err)
		}
		if !strings.HasSuffix(string(text), "--- try 9 ---\n\n--- ok ---\n") {
			t.Errorf("it ends with %q", text[max(0, len(text)-100):])
		}
	}
}
