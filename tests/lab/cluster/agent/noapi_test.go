// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"strings"
	"testing"
)

func TestAnAgentWithoutTheAPISaysWhere(t *testing.T) {
	for _, one := range []struct {
		version  string
		building bool
		last     string
	}{
		{"1.12.19", false, `level=fatal msg="Unable to initialize Kubernetes subsystem"`},
		{"1.13.4", true, `Error: Build config failed: failed to start: Get "https://10.0.0.1:6443/api/v1/namespaces/kube-system"`},
		{"1.18.12", true, "Error: Build config failed: failed to start: "},
		{"1.18.12", false, `level=fatal msg="failed to start"`},
	} {
		lines := strings.Split(WithoutAPI(one.version, "10.0.0.1:6443", "connect: connection refused", one.building), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], `level=error msg="Unable to contact k8s api-server"`) ||
			!strings.HasPrefix(lines[1], one.last) || !strings.Contains(lines[1], "dial tcp 10.0.0.1:6443: connect: connection refused") {
			t.Errorf("%+v: %q", one, lines)
		}
	}
}
