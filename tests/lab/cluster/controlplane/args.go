// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	loopback = "127.0.0.1"
	// serviceRange's first address is the API server's own Service; it is in the server certificate too.
	serviceRange = "10.96.0.0/12"
	serviceIP    = "10.96.0.1"
	// serviceRange6 is there with real nodes only.
	serviceRange6 = "fd00:96::/112"
)

// Lab is what every component's command line is made of.
type Lab struct {
	Dir   string
	Ports Ports
	Nodes int
	// Address is where the API server listens, loopback where it is empty: nobody but this machine's processes reaches that.
	Address string
	// Kubelets: the nodes are somebody else's real kubelets, not simulated. They get accounts, and nobody waits for them.
	Kubelets bool
}

func (l Lab) address() string {
	if l.Address == "" {
		return loopback
	}
	return l.Address
}

func (l Lab) pki(name string) string      { return filepath.Join(l.Dir, "pki", name) }
func (l Lab) kubeconfig() string          { return filepath.Join(l.Dir, "kubeconfig") }
func (l Lab) apiURL() string              { return fmt.Sprintf("https://%s:%d", l.address(), l.Ports.APIServer) }
func (l Lab) etcdURL() string             { return fmt.Sprintf("http://%s:%d", loopback, l.Ports.Etcd) }
func (l Lab) etcdPeerURL() string         { return fmt.Sprintf("http://%s:%d", loopback, l.Ports.EtcdPeer) }
func port(flag string, number int) string { return fmt.Sprintf("--%s=%d", flag, number) }

func (l Lab) etcdArgs() []string {
	return []string{
		"--name=lab",
		"--data-dir=" + filepath.Join(l.Dir, "etcd"),
		"--listen-client-urls=" + l.etcdURL(),
		"--advertise-client-urls=" + l.etcdURL(),
		"--listen-peer-urls=" + l.etcdPeerURL(),
		"--initial-advertise-peer-urls=" + l.etcdPeerURL(),
		"--initial-cluster=lab=" + l.etcdPeerURL(),
		"--unsafe-no-fsync",
		"--quota-backend-bytes=4294967296",
		"--auto-compaction-mode=periodic",
		"--auto-compaction-retention=5m",
		"--log-level=warn",
	}
}

func (l Lab) apiserverArgs() []string {
	args := []string{
		"--etcd-servers=" + l.etcdURL(),
		"--bind-address=" + l.address(),
		"--advertise-address=" + l.address(),
		port("secure-port", l.Ports.APIServer),
		"--authorization-mode=Node,RBAC",
		"--token-auth-file=" + l.pki("tokens.csv"),
		"--tls-cert-file=" + l.pki("apiserver.crt"),
		"--tls-private-key-file=" + l.pki("apiserver.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--kubelet-client-certificate=" + l.pki("kubelet-client.crt"),
		"--kubelet-client-key=" + l.pki("kubelet-client.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + l.pki("sa.pub"),
		"--service-account-signing-key-file=" + l.pki("sa.key"),
		"--allow-privileged=true",
		"--enable-priority-and-fairness=false",
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
		"--profiling=false",
	}
	if l.Kubelets {
		return append(args, realNodesArgs...)
	}
	return append(args,
		"--endpoint-reconciler-type=none", // it refuses a loopback endpoint
		"--service-cluster-ip-range="+serviceRange,
		"--kubelet-certificate-authority="+l.pki("ca.crt"),
		"--kubelet-preferred-address-types=InternalDNS", // InternalIP is the simulated 192.168 address
	)
}

// realNodesArgs are for kubelets that bring their own certificates. Pods leave a lost node soon, so that a test can see it.
var realNodesArgs = []string{
	"--service-cluster-ip-range=" + serviceRange + "," + serviceRange6,
	"--kubelet-preferred-address-types=InternalIP",
	"--enable-admission-plugins=NodeRestriction",
	"--default-not-ready-toleration-seconds=10",
	"--default-unreachable-toleration-seconds=10",
}

func (l Lab) controllerManagerArgs() []string {
	grace := []string{"--node-monitor-grace-period=8760h"} // instead of a lease and a heartbeat per simulated node
	if l.Kubelets {
		grace = []string{"--node-monitor-grace-period=15s", "--node-monitor-period=2s"}
	}
	return append(append(l.clientArgs(), grace...),
		"--service-account-private-key-file="+l.pki("sa.key"),
		"--root-ca-file="+l.pki("ca.crt"),
		"--controllers=*,-nodeipam,-cloud-node-lifecycle-controller,-service-lb-controller,-node-route-controller",
		port("secure-port", l.Ports.ControllerManager),
	)
}

func (l Lab) schedulerArgs() []string {
	return append(l.clientArgs(), port("secure-port", l.Ports.Scheduler))
}

// clientArgs are common to the components that are clients of the API server.
func (l Lab) clientArgs() []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(),
		"--leader-elect=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--bind-address=" + loopback,
	}
}

func (l Lab) nodesArgs() []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(),
		"--pki=" + filepath.Join(l.Dir, "pki"),
		port("kubelet-port", l.Ports.Kubelet),
		port("closed-port", l.Ports.Closed),
		port("count", l.Nodes),
	}
}

// program is the component's own binary from KUBEBUILDER_ASSETS where one is, else self, which contains it.
// Only etcd and kube-apiserver are ever found there.
func program(self, assets, name string) (path string, prefix []string) {
	if assets != "" && (name == "etcd" || name == "kube-apiserver") {
		candidate := filepath.Join(assets, name)
		if info, err := os.Stat(candidate); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return self, []string{name}
}
