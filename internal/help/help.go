// Package help prints the help of commands: text that is wrapped at the terminal's width, and flags
// in groups, the common ones first. Flags that few need are shown by --help-all.
package help

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	groups = "groups" // the annotation of a command that lists its groups, one a line
	widest = 100      // columns that text takes at most
	usual  = 80       // columns where there is no terminal
)

// Group puts flags of a command into a group of its help, in this order. The names are separated by
// spaces. --help-all alone shows the rare ones.
func Group(c *cobra.Command, title, common string, rare ...string) {
	for _, name := range append(strings.Fields(common), rare...) {
		if c.Flags().Lookup(name) == nil {
			panic(fmt.Sprintf("help: %s has no flag --%s", c.Name(), name))
		}
	}
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[groups] += title + "\t" + common + "\t" + strings.Join(rare, " ") + "\n"
}

// Install gives a command and its subcommands this help, and the flag --help-all.
func Install(root *cobra.Command) {
	all := false
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		write(c.OutOrStdout(), c, all)
	})
	root.SetUsageFunc(func(c *cobra.Command) error { write(c.OutOrStdout(), c, all); return nil })
	root.PersistentFlags().VarPF(showAll{&all}, "help-all", "", "help with every flag").
		NoOptDefVal = "true"
}

// showAll is the value of --help-all, which ends the command as --help does.
type showAll struct{ all *bool }

func (s showAll) Set(string) error { *s.all = true; return pflag.ErrHelp }
func (s showAll) Type() string     { return "bool" }
func (s showAll) String() string   { return "false" }

// write prints the help of a command.
func write(w io.Writer, c *cobra.Command, all bool) {
	width := terminal.Width(w)
	if width == 0 {
		width = usual
	}
	p := page{w, min(width, widest)}
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	p.prose(text)
	p.print("\nUsage:\n")
	if c.Runnable() && c.HasParent() {
		p.print(terminal.Wrap("  "+c.UseLine(), "      ", p.width) + "\n")
	}
	if c.HasAvailableSubCommands() {
		p.print("  " + c.CommandPath() + " COMMAND\n")
	}
	if c.HasExample() {
		p.print("\nExamples:\n")
		for line := range strings.SplitSeq(c.Example, "\n") {
			// A command that is broken, before a flag, can be pasted.
			line = strings.NewReplacer(" --", " --", " &&", " &&", " ", "\u00a0").Replace(
				strings.TrimSpace(line))
			line = terminal.Wrap("  "+line, "      ", p.width-2)
			p.print(strings.NewReplacer("\n", " \\\n", "\u00a0", " ").Replace(line) + "\n")
		}
	}
	p.commands(c)
	if p.flags(c, all) {
		p.print("\n")
		p.prose("--help-all shows the other flags.")
	}
}

// page writes text of a width.
type page struct {
	w     io.Writer
	width int
}

func (p page) print(text string) { io.WriteString(p.w, text) }

// prose wraps paragraphs. A line that begins with a space stays a line.
func (p page) prose(text string) {
	var paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			p.print(terminal.WrapLine(strings.Join(paragraph, " "), p.width) + "\n")
			paragraph = nil
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if line != "" && line[0] != ' ' {
			paragraph = append(paragraph, line)
			continue
		}
		flush()
		p.print(terminal.WrapLine(line, p.width) + "\n")
	}
	flush()
}

// entry prints a name with what it means beside it, in a column that begins at at.
func (p page) entry(name, doc string, at int) {
	head := "  " + name
	if len([]rune(head))+2 > at {
		p.print(head + "\n")
		head = ""
	}
	head += strings.Repeat(" ", at-len([]rune(head)))
	p.print(terminal.Wrap(head+doc, strings.Repeat(" ", at), p.width) + "\n")
}

// commands lists the subcommands.
func (p page) commands(c *cobra.Command) {
	var shown []*cobra.Command
	at := 0
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			shown, at = append(shown, sub), max(at, len(sub.Name())+4)
		}
	}
	if len(shown) > 0 {
		p.print("\nCommands:\n")
	}
	for _, sub := range shown {
		p.entry(sub.Name(), sub.Short, at)
	}
}

// flags lists the flags group by group, and reports whether it left some out.
func (p page) flags(c *cobra.Command, all bool) (left bool) {
	own := map[string]*pflag.Flag{}
	var names []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" && c.Root().PersistentFlags().Lookup(f.Name) == nil {
			own[f.Name], names = f, append(names, f.Name)
		}
	})
	list := func(title string, names []string) {
		if len(names) == 0 {
			return
		}
		p.print("\n" + title + ":\n")
		for _, name := range names {
			if f := own[name]; f != nil {
				p.entry(head(f), usage(f), p.at())
			}
		}
	}
	grouped := c.Annotations[groups]
	for line := range strings.Lines(grouped) {
		part := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		common, rare := strings.Fields(part[1]), strings.Fields(part[2])
		names = slices.DeleteFunc(names, func(name string) bool {
			return slices.Contains(common, name) || slices.Contains(rare, name)
		})
		if all {
			common = append(common, rare...)
		}
		left = left || !all && len(rare) > 0
		list(part[0], common)
	}
	title := "Flags"
	if grouped != "" {
		title = "Other flags"
	}
	list(title, names)
	p.print("\nFlags of every command:\n")
	p.entry("-h, --help", "help for "+c.Name(), p.at())
	c.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			p.entry(head(f), usage(f), p.at())
		}
	})
	return left
}

// at is the column of what flags mean.
func (p page) at() int {
	if p.width < 70 {
		return 16
	}
	return 24
}
