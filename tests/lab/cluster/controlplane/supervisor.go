// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const stopGrace = 20 * time.Second

// child is one running component.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// supervisor starts components, notices the first that ends, and stops all of them.
type supervisor struct {
	dir, self, assets string
	children          []*child
	ended             chan *child
}

func newSupervisor(dir string) (*supervisor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	const mostComponents = 8
	return &supervisor{dir: dir, self: self, assets: os.Getenv("KUBEBUILDER_ASSETS"), ended: make(chan *child, mostComponents)}, nil
}

func (s *supervisor) logPath(name string) string { return filepath.Join(s.dir, "logs", name+".log") }

// start runs one component; its output goes to logs/<name>.log. The caller's goroutine must be locked to its
// thread: the kernel sends Pdeathsig when the thread that forked ends.
func (s *supervisor) start(name string, args []string) error {
	log, err := os.Create(s.logPath(name))
	if err != nil {
		return err
	}
	defer log.Close()
	path, prefix := program(s.self, s.assets, name)
	c := &child{name: name, cmd: exec.Command(path, append(prefix, args...)...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	s.children = append(s.children, c)
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
		s.ended <- c
	}()
	return nil
}

// watch gives a context that ends when ctx does, or with a cause when a component ends.
func (s *supervisor) watch(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	watched, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case c := <-s.ended:
			cancel(fmt.Errorf("%s ended (%v): see %s", c.name, c.cmd.ProcessState, s.logPath(c.name)))
		case <-watched.Done():
		}
	}()
	return watched, cancel
}

// stop ends the components, clients before the servers they talk to.
func (s *supervisor) stop() {
	for i := len(s.children) - 1; i >= 0; i-- {
		s.children[i].stop()
	}
}

func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(stopGrace):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}
