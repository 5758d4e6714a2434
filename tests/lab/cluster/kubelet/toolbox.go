// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"fmt"
	"io"
	"strings"
)

// tool is a command that every simulated image has. Nothing is ever run on the lab's own machine.
type tool func(environment, args []string, s streams) int

var toolbox = map[string]tool{
	"true":  func([]string, []string, streams) int { return 0 },
	"false": func([]string, []string, streams) int { return 1 },
	"cat":   cat,
	"echo":  echo,
	"env":   env,
	"exit":  exit,
}

// cat copies stdin to stdout until stdin is closed.
func cat(_, _ []string, s streams) int {
	if _, err := io.Copy(s.out, s.in); err != nil {
		return 1
	}
	return 0
}

func echo(_, args []string, s streams) int {
	fmt.Fprintln(s.out, strings.Join(args, " "))
	return 0
}

// env prints who the container is, one NAME=value a line.
func env(environment, _ []string, s streams) int {
	for _, line := range environment {
		fmt.Fprintln(s.out, line)
	}
	return 0
}

// exit CODE stands for `sh -c "exit CODE"`.
func exit(_, args []string, s streams) int {
	var code int
	if len(args) != 1 {
		return 2
	}
	if _, err := fmt.Sscanf(args[0], "%d", &code); err != nil || code < 0 || code > 255 {
		fmt.Fprintf(s.err, "exit: %q is no exit code\n", args[0])
		return 2
	}
	return code
}
