package manpage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func ship() *cobra.Command {
	root := &cobra.Command{Use: "ship", Short: "sail", Long: "Ship sails.\nOn and on.\n\n  a  b\n  c  d\n\n.dots 'and' \\ lie-low\n\nExit codes:\n  0  there\n  3  not\n     yet\n"}
	sail := &cobra.Command{Use: "sail PORT", Short: "go somewhere", Example: "  ship sail '${port}'", Run: func(*cobra.Command, []string) {}}
	sail.Flags().StringP("wind", "w", "west", "where `FROM` it blows")
	sail.Flags().Bool("secret", false, "nobody is told")
	_ = sail.Flags().MarkHidden("secret")
	root.PersistentFlags().Int("crew", 0, "how many")
	root.AddCommand(sail, &cobra.Command{Use: "drown", Hidden: true, Run: sail.Run})
	return root
}

func TestPages(t *testing.T) {
	date, err := Date("86400", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	book := Book{Section: "1", Version: "1-2", Date: date, Environment: []Entry{{"SHIP_LOG", "where"}}, Files: []Entry{{"/etc/ship", "what"}}, SeeAlso: []string{"sea(7)", "sky(7)"}}
	dir := t.TempDir()
	if err := book.Write(ship(), dir); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"ship.1": `.TH SHIP 1 "1970-01-02" "ship 1\-2" "ship"
.SH NAME
ship \- sail
.SH SYNOPSIS
.B ship
.SH DESCRIPTION
Ship sails.
On and on.
.PP
.nf
  a  b
  c  d
.fi
.PP
\&.dots \(aqand\(aq \e lie\-low
.SH COMMANDS
.TP
\fBship\-sail\fR(1)
go somewhere
.SH OPTIONS
.TP
\fB\-\-crew\fR \fIint\fR
how many
.SH ENVIRONMENT
.TP
.B SHIP_LOG
where
.SH FILES
.TP
.B /etc/ship
what
.SH "EXIT STATUS"
.TP
.B 0
there
.TP
.B 3
not
yet
.SH "SEE ALSO"
.BR sea (7),
.BR sky (7)
`,
		"ship-sail.1": `.TH SHIP\-SAIL 1 "1970-01-02" "ship 1\-2" "ship"
.SH NAME
ship\-sail \- go somewhere
.SH SYNOPSIS
.B ship sail PORT [flags]
.SH DESCRIPTION
Go somewhere.
.SH OPTIONS
.TP
\fB\-w\fR, \fB\-\-wind\fR \fIFROM\fR
where FROM it blows (default west)
.SH ENVIRONMENT, FILES, EXIT STATUS
See \fBship\fR(1).
It also has the options that every command takes.
.SH EXAMPLES
.PP
.nf
  ship sail \(aq${port}\(aq
.fi
.SH "SEE ALSO"
.BR ship (1),
.BR sea (7),
.BR sky (7)
`,
	} {
		got, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is\n%s", file, got)
		}
	}
	if pages, _ := os.ReadDir(dir); len(pages) != 2 {
		t.Errorf("there are %d pages", len(pages))
	}
}

func TestDate(t *testing.T) {
	now := time.Date(2026, 11, 21, 23, 0, 0, 0, time.FixedZone("west", -3*3600))
	if got, err := Date("", now); err != nil || got.Format(time.DateOnly) != "2026-11-22" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := Date("today", now); err == nil || !strings.Contains(err.Error(), "today") {
		t.Errorf("%v", err)
	}
}
