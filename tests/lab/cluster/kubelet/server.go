// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Package kubelet serves what the API server asks a node's kubelet for: exec and container logs.
package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/types"
	streaming "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

const (
	idleTimeout           = 4 * time.Hour
	streamCreationTimeout = 30 * time.Second
)

// ErrNoPod is what a kubelet says of a pod it does not run; callers get HTTP 404.
var ErrNoPod = errors.New("pod does not exist")

// Runtime finds containers. It returns ErrNoPod, or another error for a container that is not there (HTTP 500).
type Runtime interface {
	Container(ctx context.Context, namespace, pod, name string) (*Container, error)
}

// Container is one container of a simulated pod.
type Container struct {
	Name        string
	Environment []string // NAME=value: who the container is
	Running     bool
	Fault       Fault
	// Program runs a command of the container's image: its exit code, 127 for a command that the image lacks.
	// It is nil where the image has nothing but the toolbox.
	Program func(command []string, out, errw io.Writer) int
	Log     string // of the running or last run
	PrevLog string // of the run before; empty if there was none
}

// Listen says where the kubelet port is and whom it trusts.
type Listen struct {
	Port                       int
	ClientCA, Certificate, Key string // PEM files
}

type server struct{ runtime Runtime }

// Serve listens for all simulated nodes at once. Only client certificates of the lab's CA get in.
func Serve(ctx context.Context, listen Listen, runtime Runtime) (io.Closer, error) {
	pem, err := os.ReadFile(listen.ClientCA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	httpServer := &http.Server{
		Handler:     (&server{runtime}).routes(),
		BaseContext: func(net.Listener) context.Context { return ctx },
		// No HTTP/2: an upgrade needs a connection that can be hijacked.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:    &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12},
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", listen.Port))
	if err != nil {
		return nil, err
	}
	go func() { _ = httpServer.ServeTLS(listener, listen.Certificate, listen.Key) }() // ends with Close
	return httpServer, nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", s.exec)
	mux.HandleFunc("/exec/{namespace}/{pod}/{uid}/{container}", s.exec)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	return mux
}

// container finds the request's container, or answers the request with the reason why not.
func (s *server) container(w http.ResponseWriter, r *http.Request) *Container {
	c, err := s.runtime.Container(r.Context(), r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container"))
	switch {
	case errors.Is(err, ErrNoPod):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	return c
}

func (s *server) exec(w http.ResponseWriter, r *http.Request) {
	c := s.container(w, r)
	if c == nil || c.Fault.refuse(w) {
		return
	}
	if !c.Running {
		http.Error(w, fmt.Sprintf("container not found (%q)", c.Name), http.StatusInternalServerError)
		return
	}
	command := r.URL.Query()["command"]
	options, err := remotecommand.NewOptions(r)
	if err == nil && len(command) == 0 {
		err = errors.New("no command given")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	remotecommand.ServeExec(&hijackWatcher{w, cancel}, r.WithContext(ctx), executor{c},
		r.PathValue("namespace")+"/"+r.PathValue("pod"), types.UID(r.PathValue("uid")), c.Name,
		command, options, idleTimeout, streamCreationTimeout, streaming.SupportedStreamingProtocols)
}
