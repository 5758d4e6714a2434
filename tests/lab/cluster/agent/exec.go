// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// command is one parsed call of an agent's program.
type command struct {
	verb  string
	flags map[string]bool
	json  bool
}

const notFound = 127

// programName is what the agent's own client is called in its image.
func (s *state) programName() string {
	if s.version.atLeast(15) {
		return "cilium-dbg"
	}
	return "cilium"
}

// Exec runs a command in the container of an agent that is alone; see ExecIn.
func (a *Agent) Exec(cmd []string, health string, out, errw io.Writer) int {
	return a.ExecIn(World{Health: health}, cmd, out, errw)
}

// ExecIn runs a command in the agent's container and returns its exit code, 127 where there is no such program.
func (a *Agent) ExecIn(world World, cmd []string, out, errw io.Writer) int {
	if len(cmd) == 0 {
		fmt.Fprintln(errw, "no command was given")
		return notFound
	}
	switch path.Base(cmd[0]) {
	case a.state.programName():
		return a.client(cmd[1:], world, out, errw)
	case "cilium-health":
		return a.healthClient(cmd[1:], world, out, errw)
	}
	fmt.Fprintf(errw, "exec: %q: executable file not found in $PATH\n", cmd[0])
	return notFound
}

func fail(errw io.Writer, format string, values ...any) int {
	fmt.Fprintf(errw, format+"\n", values...)
	return 1
}

// parse reads a call; known are the verb's own flags. Only -o json is a form of output here.
func parse(args []string, known map[string][]string) (command, error) {
	c := command{flags: map[string]bool{}}
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		switch {
		case c.verb == "" && !strings.HasPrefix(name, "-"):
			c.verb = name
			if _, ok := known[name]; !ok {
				return c, nil
			}
		case name == "-o" || name == "--output":
			if !joined && i+1 < len(args) {
				i++
				value = args[i]
			}
			if value != "json" {
				return c, fmt.Errorf("Error: invalid output %q: only json is known", value)
			}
			c.json = true
		case name == "-ojson":
			c.json = true
		case name == "--timeout":
			if !joined {
				i++
			}
		case slices.Contains(known[c.verb], name):
			c.flags[name] = value != "false"
		default:
			return c, fmt.Errorf("Error: unknown argument or flag: %s", args[i])
		}
	}
	return c, nil
}

var clientFlags = map[string][]string{
	"status": {"--verbose", "--brief", "--all-addresses", "--all-controllers", "--all-nodes", "--all-redirects",
		"--all-clusters", "--all-health"},
	"config":  {"-a", "--all", "-r", "--read-only"},
	"version": {},
}

func (a *Agent) client(args []string, world World, out, errw io.Writer) int {
	c, err := parse(args, clientFlags)
	if err != nil {
		return fail(errw, "%s", err)
	}
	switch c.verb {
	case "status":
		return a.status(c, world, out)
	case "config":
		return a.config(c, out)
	case "version":
		return a.printVersion(out)
	}
	return fail(errw, "Error: unknown command %q for %q\nRun '%s --help' for usage.", c.verb, a.state.programName(),
		a.state.programName())
}

// status: a condition that is not Ok makes text and brief fail; JSON is printed and is no failure.
func (a *Agent) status(c command, world World, out io.Writer) int {
	switch {
	case c.json:
		if writeJSON(out, a.statusJSON(world.Health)) != nil {
			return 1
		}
		return 0
	case c.flags["--brief"]:
		return a.brief(world.Health, out)
	}
	return a.statusText(out, world, c.flags["--verbose"])
}

// brief names the first part that is not healthy.
func (a *Agent) brief(health string, out io.Writer) int {
	word, message := a.state.condition(health)
	if word == "Ok" {
		fmt.Fprintln(out, "OK")
		return 0
	}
	part := "cilium"
	if stateWord, reason := kubernetesCondition(health); stateWord != "Ok" {
		part, message = "kubernetes", reason
	}
	fmt.Fprintf(out, "error in %s: %s\n", part, message)
	return 1
}

var goVersions = map[int]string{11: "1.17", 12: "1.18", 13: "1.19", 14: "1.20", 15: "1.21", 16: "1.22", 17: "1.23",
	18: "1.24", 19: "1.25", 20: "1.26"}

func (a *Agent) printVersion(out io.Writer) int {
	v := a.state.version
	for _, side := range []string{"Client", "Daemon"} {
		fmt.Fprintf(out, "%s: %s %s %s go version go%s linux/amd64\n", side, v, buildHash(v), buildStamp,
			goVersions[v.minor])
	}
	return 0
}
