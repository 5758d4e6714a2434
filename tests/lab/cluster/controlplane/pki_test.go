// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func newPKI(t *testing.T) (Lab, *x509.CertPool) {
	t.Helper()
	return newPKIOf(t, Lab{Dir: t.TempDir(), Ports: portsFrom(20000)})
}

func newPKIOf(t *testing.T, lab Lab) (Lab, *x509.CertPool) {
	t.Helper()
	ca, err := writePKI(filepath.Join(lab.Dir, "pki"), lab.address())
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.writeAccounts(ca); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return lab, pool
}

func loadLeaf(t *testing.T, lab Lab, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(lab.pki(name+".crt"), lab.pki(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestCertificatesServeTheirPurposeOnly(t *testing.T) {
	lab, pool := newPKI(t)
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for _, test := range []struct {
		name    string
		usage   x509.ExtKeyUsage
		trusted bool
	}{
		{"apiserver", server, true}, {"apiserver", client, false},
		{"kubelet", server, true}, {"kubelet", client, false},
		{"kubelet-client", client, true}, {"kubelet-client", server, false},
	} {
		options := x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{test.usage}}
		_, err := loadLeaf(t, lab, test.name).Verify(options)
		if (err == nil) != test.trusted {
			t.Errorf("%s for usage %d: trusted %v, want %v (%v)", test.name, test.usage, err == nil, test.trusted, err)
		}
	}
}

func TestServerCertificatesNameLoopback(t *testing.T) {
	lab, _ := newPKI(t)
	for _, name := range []string{"apiserver", "kubelet"} {
		if err := loadLeaf(t, lab, name).VerifyHostname(net.IP{127, 0, 0, 1}.String()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysAreTheOwnersOnly(t *testing.T) {
	lab, _ := newPKI(t)
	err := filepath.Walk(lab.Dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExpiredAccountIsUnknownToTheServer(t *testing.T) {
	lab, _ := newPKI(t)
	tokens, err := os.ReadFile(lab.pki("tokens.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range accounts {
		config, err := clientcmd.LoadFromFile(filepath.Join(lab.Dir, account.kubeconfig))
		if err != nil {
			t.Fatal(err)
		}
		token := config.AuthInfos[account.name].Token
		if token == "" || strings.Contains(string(tokens), token) != account.known {
			t.Errorf("%s: token known to the server: %v, want %v", account.name, !account.known, account.known)
		}
	}
	if groups := strings.Count(string(tokens), "system:masters"); groups != 1 {
		t.Errorf("%d accounts are cluster admins, want 1", groups)
	}
}

func TestRealNodesGetAccountsAndReachTheAPIByItsAddress(t *testing.T) {
	lab, pool := newPKIOf(t, Lab{Dir: t.TempDir(), Ports: portsFrom(20000), Nodes: 2, Kubelets: true, Address: "198.18.0.2"})
	if _, err := loadLeaf(t, lab, "apiserver").Verify(x509.VerifyOptions{Roots: pool, DNSName: "198.18.0.2"}); err != nil {
		t.Error(err)
	}
	tokens, err := os.ReadFile(lab.pki("tokens.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]string{"node-1": "system:node:node-1", "node-2": "system:node:node-2", "kube-proxy": "system:kube-proxy"} {
		config, err := clientcmd.LoadFromFile(lab.pki(name + ".kubeconfig"))
		if err != nil {
			t.Fatal(err)
		}
		if server := config.Clusters["lab"].Server; server != "https://198.18.0.2:20001" {
			t.Errorf("%s is sent to %s", name, server)
		}
		if !strings.Contains(string(tokens), config.AuthInfos[name].Token+","+user+",") {
			t.Errorf("the API server does not know %s as %s", name, user)
		}
	}
	if _, err := os.Stat(lab.pki("node-3.kubeconfig")); err == nil {
		t.Error("an account for a node that is not there")
	}
}
