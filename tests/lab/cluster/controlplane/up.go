// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Package controlplane supervises etcd, the Kubernetes control plane and the simulated nodes as child processes.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// state is what cluster.json tells the front end; the file is there from the moment the simulated nodes are registered.
type state struct {
	PID    int    `json:"pid"`
	Server string `json:"server"`
	Nodes  int    `json:"nodes"`
	Ports  Ports  `json:"ports"`
}

// Up brings one lab up below --dir and stays until SIGTERM, the end of --watch-pid, or of a component.
func Up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	dir := flags.String("dir", "", "the lab's state folder")
	lab := Lab{}
	flags.IntVar(&lab.Nodes, "nodes", 3, "how many nodes to simulate")
	flags.BoolVar(&lab.Kubelets, "kubelets", false, "simulate none: as many real kubelets come by themselves")
	flags.StringVar(&lab.Address, "address", loopback, "where the API server listens")
	watchPID := flags.Int("watch-pid", 0, "end when this process does")
	_ = flags.Parse(args) // ExitOnError
	if *dir == "" {
		return errors.New("--dir is missing")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if *watchPID > 0 {
		if err := watchProcess(ctx, *watchPID, cancel); err != nil {
			return err
		}
	}
	lab.Dir = *dir
	return up(ctx, lab)
}

func up(ctx context.Context, lab Lab) error {
	lock, err := prepare(lab.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	ports, claim, err := claimPorts()
	if err != nil {
		return err
	}
	defer claim.Close()
	lab.Ports = ports
	ca, err := writePKI(filepath.Join(lab.Dir, "pki"), lab.address())
	if err != nil {
		return err
	}
	if err := lab.writeAccounts(ca); err != nil {
		return err
	}
	return lab.supervise(ctx, ca)
}

// prepare takes the folder's lock, which lasts as long as this process, and wipes what a former lab left there.
func prepare(dir string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := takeLock(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another lab runs in %s: take it down first", dir)
	}
	for _, name := range []string{"etcd", "pki", "cluster.json"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			lock.Close()
			return nil, err
		}
	}
	return lock, nil
}

// takeLock writes this process's id into the file it locks. A front end that looks whether the lock is taken holds
// it for a moment itself, hence the attempts.
func takeLock(lock *os.File) error {
	var err error
	for range 20 {
		if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintln(lock, os.Getpid())
	return err
}

func (l Lab) supervise(ctx context.Context, ca []byte) error {
	runtime.LockOSThread() // see supervisor.start
	s, err := newSupervisor(l.Dir)
	if err != nil {
		return err
	}
	defer s.stop()
	defer os.Remove(filepath.Join(l.Dir, "cluster.json"))
	watched, cancel := s.watch(ctx)
	defer cancel(nil)
	if err := l.startAll(watched, s, ca); err != nil {
		return err
	}
	<-watched.Done()
	return context.Cause(watched)
}

// startAll returns once every component runs and the nodes are registered.
func (l Lab) startAll(ctx context.Context, s *supervisor, ca []byte) error {
	if err := s.start("etcd", l.etcdArgs()); err != nil {
		return err
	}
	if err := s.start("kube-apiserver", l.apiserverArgs()); err != nil {
		return err
	}
	if err := waitOK(ctx, l.apiURL()+"/readyz", ca, nil); err != nil {
		return err
	}
	if err := s.start("kube-controller-manager", l.controllerManagerArgs()); err != nil {
		return err
	}
	if err := s.start("kube-scheduler", l.schedulerArgs()); err != nil {
		return err
	}
	if !l.Kubelets {
		if err := l.startNodes(ctx, s, ca); err != nil {
			return err
		}
	}
	return l.writeState()
}

func (l Lab) startNodes(ctx context.Context, s *supervisor, ca []byte) error {
	if err := s.start("nodes", l.nodesArgs()); err != nil {
		return err
	}
	return l.waitNodes(ctx, ca)
}

// waitNodes waits for the kubelet port: the simulator listens once its nodes are registered.
func (l Lab) waitNodes(ctx context.Context, ca []byte) error {
	cert, err := tls.LoadX509KeyPair(l.pki("kubelet-client.crt"), l.pki("kubelet-client.key"))
	if err != nil {
		return err
	}
	return waitOK(ctx, fmt.Sprintf("https://%s:%d/healthz", loopback, l.Ports.Kubelet), ca, []tls.Certificate{cert})
}

// waitOK asks url until it answers 200 or ctx ends.
func waitOK(ctx context.Context, url string, ca []byte, certs []tls.Certificate) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Timeout: 2 * time.Second, Transport: transport}
	for ctx.Err() == nil {
		if response, err := client.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return context.Cause(ctx)
}

func (l Lab) writeState() error {
	content, err := json.Marshal(state{PID: os.Getpid(), Server: l.apiURL(), Nodes: l.Nodes, Ports: l.Ports})
	if err != nil {
		return err
	}
	// renamed into place: a reader never sees half of it
	path := filepath.Join(l.Dir, "cluster.json")
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
