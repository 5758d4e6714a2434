// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newTestSupervisor has programs of the test's own in place of etcd and kube-apiserver.
func newTestSupervisor(t *testing.T, scripts map[string]string) *supervisor {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	s, err := newSupervisor(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.assets = t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(s.assets, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheFirstComponentThatEndsIsTheCause(t *testing.T) {
	s := newTestSupervisor(t, map[string]string{"etcd": "echo no disk; exit 3", "kube-apiserver": "exec sleep 60"})
	for _, name := range []string{"kube-apiserver", "etcd"} {
		if err := s.start(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	watched, cancel := s.watch(context.Background())
	defer cancel(nil)
	<-watched.Done()
	s.stop()
	if cause := context.Cause(watched).Error(); !strings.Contains(cause, "etcd ended (exit status 3)") {
		t.Errorf("cause %q", cause)
	}
	if log, _ := os.ReadFile(s.logPath("etcd")); string(log) != "no disk\n" {
		t.Errorf("log %q", log)
	}
	for _, c := range s.children {
		if err := syscall.Kill(c.cmd.Process.Pid, 0); err != syscall.ESRCH {
			t.Errorf("%s still runs (%v)", c.name, err)
		}
	}
}

func TestWatchProcessSeesTheEndOfAnotherProcess(t *testing.T) {
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	if err := watchProcess(context.Background(), other.Process.Pid, func() { close(ended) }); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Fatal("it was said to have ended while it ran")
	case <-time.After(300 * time.Millisecond):
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("its end went unnoticed")
	}
	if err := watchProcess(context.Background(), other.Process.Pid, func() {}); err == nil {
		t.Error("a process that is gone can be watched")
	}
}

func TestOneLabPerFolder(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "etcd", "member")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("data of a former lab is still there (%v)", err)
	}
	if _, err := prepare(dir); err == nil || !strings.Contains(err.Error(), "another lab runs") {
		t.Errorf("a second lab in the same folder: %v", err)
	}
	lock.Close()
	if again, err := prepare(dir); err != nil {
		t.Errorf("after the first lab's end: %v", err)
	} else {
		again.Close()
	}
}
