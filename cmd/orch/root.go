package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootHelp = `Orch moves clusters of nodes from one named state to another, in batches, and
lets every node converge by itself, also one that comes back late.

What is wanted, and what each node reached, lies in Consul's KV. Any machine
with the right token can look, and move.`

func init() { cobra.EnableCommandSorting = false } // the order is that of groups

// newRoot makes the whole command line.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "orch",
		Version:       version,
		Short:         "move clusters from state to state",
		Long:          rootHelp + "\n\n" + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.output != "text" && a.output != "json" {
				return usagef("read --output %q: it is text or json", a.output)
			}
			if reason := cmd.Flags().Lookup("reason"); reason != nil && reason.Changed {
				if err := reason.Value.Set(recorded(reason.Value.String(), longReason)); err != nil {
					return err
				}
			}
			return emptyFlag(cmd)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("find verb %q: there is none of that name%s; see orch --help", args[0], suggest(cmd, args[0]))
			}
			return cmd.Help()
		},
		Args:                       cobra.ArbitraryArgs,
		SuggestionsMinimumDistance: 2,
	}
	root.SetVersionTemplate("orch {{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages |", "FlagUsagesWrapped "+strconv.Itoa(a.width())+" |"))
	a.globals(root.PersistentFlags())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	for _, group := range groups(a) {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title + ":"})
		for _, command := range group.commands {
			command.GroupID = group.id
			strict(command)
			root.AddCommand(command)
		}
	}
	root.AddCommand(append(foreign(), newMan(a))...)
	root.SetHelpCommandGroupID("rest")
	root.SetCompletionCommandGroupID("rest")
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		if command.Name() == "completion" { // a shell that it does not know is a mistake, not a wish for help
			strict(command)
			command.Use = "completion bash|zsh|fish|powershell"
			command.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// emptyFlag names a flag of a verb that is there and says nothing, as where a script's variable is not set:
// taken for one that is not there, a hold until "" would be one for ever.
func emptyFlag(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if cmd.InheritedFlags().Lookup(f.Name) != nil { // how to reach Consul: other tools take an empty one for none
			return
		}
		if f.Value.String() == "" && f.Value.Type() == "string" || f.Value.String() == "[]" && f.Value.Type() != "bool" {
			err = usagef("read --%s: nothing is given with it; leave it out, or say what it is to be", f.Name)
		}
	})
	return err
}

// group is a chapter of the help.
type group struct {
	id, title string
	commands  []*cobra.Command
}

func groups(a *app) []group {
	return []group{
		{"see", "See", []*cobra.Command{newStatus(a), newWhy(a), newPlan(a), newHistory(a), newShow(a), newGraph(a)}},
		{"move", "Move", []*cobra.Command{newTransition(a), newReconverge(a), newRetry(a), newPause(a),
			newResume(a), newApprove(a), newAbort(a), newRollback(a)}},
		{"nodes", "Nodes", []*cobra.Command{newHold(a), newUnhold(a), newForget(a)}},
		{"everybody", "Everybody, or a cluster", []*cobra.Command{newFreeze(a), newThaw(a)}},
		{"definitions", "Definitions", []*cobra.Command{newFmt(a), newValidate(a), newApply(a)}},
		{"repair", "Repair", []*cobra.Command{newUnlock(a), newRecover(a), newFsck(a)}},
		{"rest", "Rest", []*cobra.Command{newDev(a), newACL(a), newSign(a), newSchema(a), newVersion(a)}},
	}
}

// strict makes a wrong number of arguments a mistake of usage, and one that is empty, as where a script's
// variable is not set: orch freeze "" would freeze everybody.
func strict(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("read arguments: %s given; usage: %s", given(len(args)), cmd.UseLine())
		}
		if at := slices.Index(args, ""); at >= 0 {
			return usagef("read arguments: number %d is empty; leave it out, or say what it is to be; usage: %s", at+1, cmd.UseLine())
		}
		return nil
	}
}

func given(n int) string {
	if n == 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

func suggest(cmd *cobra.Command, word string) string {
	names := cmd.SuggestionsFor(word)
	if len(names) == 0 {
		return ""
	}
	return ", did you mean " + strings.Join(names, " or ")
}

const stopWords = "choose: orch pause CLUSTER keeps the move and lets nobody else go, orch abort CLUSTER gives it up, both leave every node where it is; orch rollback CLUSTER goes back; orch freeze [CLUSTER] --reason WHY stops agents as well"

// otherWords are the verbs of other tools, with what to type here.
var otherWords = map[string]string{
	"stop":     stopWords,
	"cancel":   stopWords,
	"halt":     stopWords,
	"promote":  "orch approve CLUSTER lets a move go on that waits for approval, orch resume CLUSTER one that is paused",
	"continue": "orch resume CLUSTER lets a move go on that is paused, orch approve CLUSTER one that waits for approval",
	"undo":     "orch rollback CLUSTER goes back to the last state that was reached, orch rollback CLUSTER --to ID to an earlier one",
	"restart":  "orch reconverge CLUSTER converges once more where the cluster is, in batches; what that does is said by your configuration management",
	"rollout":  "orch transition CLUSTER STATE starts one, orch status CLUSTER --watch watches it",
	"deploy":   "orch transition CLUSTER STATE [ARG] moves a cluster, for example to version 42",
	"drain":    "orch hold CLUSTER NODE --reason WHY keeps a node where it is; a move drains nodes by the drain blocks of its definition",
	"cordon":   "orch hold CLUSTER NODE --reason WHY keeps a node where it is until orch unhold",
	"uncordon": "orch unhold CLUSTER NODE lets a node back into play",
}

// foreign makes a hidden command of each of the other tools' words.
func foreign() []*cobra.Command {
	var commands []*cobra.Command
	for word, advice := range otherWords {
		commands = append(commands, &cobra.Command{
			Use: word, Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return usagef("find verb %q: orch has none of that name; %s", word, advice)
			},
		})
	}
	return commands
}

// checkDashes names a long flag that was spelled with one dash. Without this, the rest of it would
// be taken for an argument.
func checkDashes(root *cobra.Command, args []string) error {
	cmd, _, err := root.Find(args)
	if err != nil || cmd.DisableFlagParsing {
		return nil
	}
	for i, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		switch {
		case arg == "--":
			return nil
		case !strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "--") || len(name) < 2:
		case slices.Contains([]string{"ojson", "otext"}, name) || i > 0 && wantsValue(cmd, args[i-1]):
		default:
			return usagef("read flag %q: long flags have two dashes, as in --%s; see %s --help", arg, longest(cmd, name), cmd.CommandPath())
		}
	}
	return nil
}

// wantsValue tells whether the argument is a flag whose value is the next argument.
func wantsValue(cmd *cobra.Command, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	if !long {
		return arg == "-o"
	}
	flag := cmd.Flag(name)
	return flag != nil && flag.NoOptDefVal == ""
}

// longest finds the flag that somebody meant, by its beginning.
func longest(cmd *cobra.Command, name string) string {
	found := name
	look := func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, name) {
			found = f.Name
		}
	}
	cmd.InheritedFlags().VisitAll(look)
	cmd.Flags().VisitAll(look)
	return found
}
