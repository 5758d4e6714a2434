// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// watchProcess calls ended once process pid is gone. A pidfd stands for this very process: a later one with the
// same number is not mistaken for it.
func watchProcess(ctx context.Context, pid int, ended func()) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("cannot watch process %d: %w: give the id of a running process to --watch-pid", pid, err)
	}
	go func() {
		defer unix.Close(fd)
		if waitReadable(ctx, fd) {
			ended()
		}
	}()
	return nil
}

// waitReadable is true once fd is readable (for a pidfd: the process has ended), false when ctx ends first.
func waitReadable(ctx context.Context, fd int) bool {
	const intervalMillis = 100
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		if n, err := unix.Poll(polled, intervalMillis); err == nil && n > 0 {
			return true
		}
	}
	return false
}
