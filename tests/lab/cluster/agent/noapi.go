// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import "fmt"

// WithoutAPI is the last an agent of this version says when its address of the Kubernetes API ("10.0.0.1:6443") does not
// answer; problem is how the connection fails ("connect: connection refused"). building: it is not the agent itself but the
// init container (charts from 1.13 on) that puts its configuration together.
func WithoutAPI(version, address, problem string, building bool) string {
	url := "https://" + address
	get := fmt.Sprintf("Get %q: dial tcp %s: %s", url+"/api/v1/namespaces/kube-system", address, problem)
	subsys := "k8s-client"
	parsed, err := parseVersion(version)
	old := err == nil && !parsed.atLeast(13)
	if old {
		subsys = "k8s"
	}
	contact := fmt.Sprintf("level=error msg=%q error=%q ipAddr=%q subsys=%s\n", "Unable to contact k8s api-server", get, url, subsys)
	switch {
	case building:
		return contact + "Error: Build config failed: failed to start: " + get
	case old:
		return contact + fmt.Sprintf("level=fatal msg=%q error=%q subsys=daemon", "Unable to initialize Kubernetes subsystem",
			"unable to create k8s client: unable to create k8s client: "+get)
	}
	return contact + fmt.Sprintf("level=fatal msg=%q error=%q subsys=daemon", "failed to start", get)
}
