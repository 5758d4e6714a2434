// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package controlplane

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryListenerIsOnLoopback(t *testing.T) {
	lab := Lab{Dir: "/lab", Ports: portsFrom(20000), Nodes: 3}
	listener := regexp.MustCompile(`^--(bind-address|advertise-address|listen-(client|peer)-urls)=(https?://)?(.*)$`)
	for component, args := range map[string][]string{
		"etcd": lab.etcdArgs(), "kube-apiserver": lab.apiserverArgs(),
		"kube-controller-manager": lab.controllerManagerArgs(), "kube-scheduler": lab.schedulerArgs(),
	} {
		found := 0
		for _, arg := range args {
			if match := listener.FindStringSubmatch(arg); match != nil {
				found++
				if !strings.HasPrefix(match[4], "127.0.0.1") {
					t.Errorf("%s listens with %s", component, arg)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s does not say where it listens: its default is every address", component)
		}
	}
}

func TestNoSecretInArguments(t *testing.T) {
	lab, _ := newPKI(t)
	tokens, err := os.ReadFile(lab.pki("tokens.csv"))
	if err != nil {
		t.Fatal(err)
	}
	token, _, _ := strings.Cut(string(tokens), ",")
	all := slices.Concat(lab.etcdArgs(), lab.apiserverArgs(), lab.controllerManagerArgs(), lab.schedulerArgs(), lab.nodesArgs())
	if strings.Contains(strings.Join(all, " "), token) {
		t.Error("the admin's token is in an argument")
	}
}

func TestProgramPrefersAnExecutableOfAssets(t *testing.T) {
	assets := t.TempDir()
	for name, mode := range map[string]os.FileMode{"etcd": 0o755, "kube-apiserver": 0o644, "kube-scheduler": 0o755} {
		if err := os.WriteFile(filepath.Join(assets, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, assets, path string }{
		{"etcd", assets, filepath.Join(assets, "etcd")},
		{"kube-apiserver", assets, "/self"}, // not executable
		{"kube-scheduler", assets, "/self"}, // never looked for
		{"etcd", "", "/self"},
	} {
		path, prefix := program("/self", test.assets, test.name)
		own := len(prefix) == 1 && prefix[0] == test.name
		if path != test.path || own != (path == "/self") {
			t.Errorf("%s with assets %q: %s %v, want %s", test.name, test.assets, path, prefix, test.path)
		}
	}
}

func TestClaimedPortsAreFreeAndTheirOwn(t *testing.T) {
	first, claim, err := claimPorts()
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Close()
	base := claim.Addr().(*net.TCPAddr).Port
	if first != portsFrom(base) {
		t.Errorf("ports %v do not belong to block %d", first, base)
	}
	if l, err := listen(base); err == nil {
		l.Close()
		t.Error("a second lab could claim the same block")
	}
	if !allFree(base+1, blockSize-1) {
		t.Error("a port of the block is taken")
	}
}

func TestAllFreeSeesATakenPort(t *testing.T) {
	taken, err := listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if allFree(taken.Addr().(*net.TCPAddr).Port, 1) {
		t.Error("a port that is listened on counts as free")
	}
}

func TestRealNodesAreAskedAtTheirAddressesAndMissedSoon(t *testing.T) {
	simulated := Lab{Dir: "/lab", Ports: portsFrom(20000)}
	real := simulated
	real.Kubelets, real.Address = true, "198.18.0.2"
	for _, test := range []struct {
		args []string
		want string
	}{
		{simulated.apiserverArgs(), "--kubelet-preferred-address-types=InternalDNS"},
		{real.apiserverArgs(), "--kubelet-preferred-address-types=InternalIP"},
		{real.apiserverArgs(), "--bind-address=198.18.0.2"},
		{real.apiserverArgs(), "--service-cluster-ip-range=10.96.0.0/12,fd00:96::/112"},
		{simulated.controllerManagerArgs(), "--node-monitor-grace-period=8760h"},
		{real.controllerManagerArgs(), "--node-monitor-grace-period=15s"},
	} {
		if !slices.Contains(test.args, test.want) {
			t.Errorf("%s is missing in %v", test.want, test.args)
		}
	}
	if slices.Contains(real.apiserverArgs(), "--endpoint-reconciler-type=none") {
		t.Error("pods of real nodes would not find the API server")
	}
}
