// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package kubelet

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/utils/exec"
)

// notInImage is the exit code by which a program says that it has no such command.
const notInImage = 127

// executor runs commands in one container.
type executor struct{ container *Container }

func (e executor) ExecInContainer(ctx context.Context, _ string, _ types.UID, _ string, command []string,
	in io.Reader, out, errw io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	code := e.container.Fault.run(ctx, newStreams(in, out, errw, tty), func(s streams) int {
		return e.run(command, s)
	})
	switch code {
	case 0:
		return nil
	case notInImage:
		return notFound(command)
	}
	// Not wrapped: the streaming server looks at the outermost error for the exit code.
	return exec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
}

// notFound is no exit code but an error of the container runtime: the API then says "Internal error occurred".
func notFound(command []string) error {
	return fmt.Errorf("failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: "+
		"unable to start container process: exec: %q: executable file not found in $PATH: unknown", command[0])
}

func (e executor) run(command []string, s streams) int {
	if tool, ok := toolbox[command[0]]; ok {
		return tool(e.container.Environment, command[1:], s)
	}
	if e.container.Program == nil {
		return notInImage
	}
	return e.container.Program(command, s.out, s.err)
}

// streams of one command; none of them is nil.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func newStreams(in io.Reader, out, errw io.WriteCloser, tty bool) streams {
	s := streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	if in != nil {
		s.in = in
	}
	if out != nil {
		s.out = out
	}
	if errw != nil {
		s.err = errw
	} else if tty { // a terminal has one stream for both
		s.err = s.out
	}
	return s
}
