// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Command tool is all that the fabric's images hold besides the agent: the pause process, a server that answers like
// agnhost's netexec, and what an exec may want.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

var commands = map[string]func(args []string) int{
	"pause":                   pause,
	"netexec":                 netexec,
	"cilium-operator-generic": pause,
	"true":                    func([]string) int { return 0 },
	"false":                   func([]string) int { return 1 },
	"exit":                    exit,
	"cat":                     cat,
	"env":                     env,
	"sleep":                   sleep,
}

func main() {
	args := os.Args
	if _, ok := commands[filepath.Base(args[0])]; !ok { // the name of the image's program: agnhost netexec
		args = args[1:]
	}
	if len(args) > 0 {
		if command, ok := commands[filepath.Base(args[0])]; ok {
			os.Exit(command(args[1:]))
		}
	}
	fmt.Fprintf(os.Stderr, "unknown command %q\n", args)
	os.Exit(64)
}

// pause holds a pod's namespaces, reaps what is left to it and ends when it is told to.
func pause([]string) int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for got := range signals {
		if got != syscall.SIGCHLD {
			return 0
		}
		for {
			var status syscall.WaitStatus
			if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
	}
	return 0
}

func exit(args []string) int {
	if len(args) != 1 {
		return 2
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return 2
	}
	return code
}

func cat([]string) int {
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		return 1
	}
	return 0
}

func env([]string) int {
	for _, line := range os.Environ() {
		fmt.Println(line)
	}
	return 0
}

func sleep(args []string) int {
	if len(args) != 1 {
		return 2
	}
	seconds, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		return 2
	}
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	return 0
}
