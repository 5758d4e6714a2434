// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// What both forms of the status, text and JSON, are made from.

const (
	healthOK      = "ok"
	healthWarning = "warning"
	healthFailure = "failure"

	maxFlows   = 4095
	bigTCPSize = 196608
	timeForm   = "2006-01-02T15:04:05Z"
	kubernetes = "1.26 (v1.26.3) [linux/amd64]"

	staleProbe  = "check-locks"
	apiDown     = "Get \"https://10.96.0.1:443/readyz\": dial tcp 10.96.0.1:443: i/o timeout"
	buildStamp  = "2023-06-14T17:26:54+02:00"
	wireguardIf = "cilium_wg0"
	publicKey   = "vGsXZ1qSbHgMyQn8vVhQ2rAyDGHEpHdoCu6NUvLZ0HE="
)

func hashOf(text string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(text)) // never fails
	return h.Sum32()
}

// buildHash is the commit that stands in an agent's version line.
func buildHash(v version) string {
	if v == (version{1, 13, 4}) {
		return "4061cdfc"
	}
	return fmt.Sprintf("%08x", hashOf(v.String()))
}

func (s *state) release() string {
	return fmt.Sprintf("%s (v%s-%s)", s.version, s.version, buildHash(s.version))
}

// condition is the agent's own state and message for a health of the lab.
func (s *state) condition(health string) (stateWord, message string) {
	switch health {
	case "", healthOK:
		return "Ok", s.release()
	case healthWarning:
		return "Warning", s.release() + "    Stale status data"
	}
	return "Failure", s.release() + "    Kubernetes service is not ready"
}

func kubernetesCondition(health string) (stateWord, message string) {
	if stateWord, _ := (&state{}).condition(health); stateWord == "Failure" {
		return "Failure", apiDown
	}
	return "Ok", kubernetes
}

func (a *Agent) staleSince() string { return a.started.UTC().Format(timeForm) }

var kubernetesAPIsOld = []string{
	"cilium/v2::CiliumClusterwideNetworkPolicy", "cilium/v2::CiliumEndpoint", "cilium/v2::CiliumNetworkPolicy",
	"cilium/v2::CiliumNode", "core/v1::Namespace", "core/v1::Node", "core/v1::Pods", "core/v1::Service",
	"discovery/v1::EndpointSlice", "networking.k8s.io/v1::NetworkPolicy",
}

var kubernetesAPIsNew = []string{
	"cilium/v2::CiliumCIDRGroup", "cilium/v2::CiliumClusterwideNetworkPolicy", "cilium/v2::CiliumEndpoint",
	"cilium/v2::CiliumNetworkPolicy", "cilium/v2::CiliumNode", "core/v1::Pods", "networking.k8s.io/v1::NetworkPolicy",
}

var kubernetesAPIs = []string{
	"EndpointSliceOrEndpoint", "cilium/v2::CiliumClusterwideNetworkPolicy", "cilium/v2::CiliumEndpoint",
	"cilium/v2::CiliumNetworkPolicy", "cilium/v2::CiliumNode", "cilium/v2alpha1::CiliumCIDRGroup",
	"core/v1::Namespace", "core/v1::Pods", "core/v1::Service", "networking.k8s.io/v1::NetworkPolicy",
}

func (s *state) apis() []string {
	switch {
	case s.version.atLeast(18):
		return kubernetesAPIsNew
	case s.version.atLeast(14):
		return kubernetesAPIs
	}
	return kubernetesAPIsOld
}

// capital writes an option's value as a status word: "strict" as "Strict".
func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

func onOff(on bool) string {
	if on {
		return "Enabled"
	}
	return "Disabled"
}

// replaces tells whether the status shows a kube-proxy replacement, and so its devices.
func (s *state) replaces() bool { return s.kprSetting != "disabled" && s.kprSetting != "false" }

func (s *state) nodePortMode() string {
	if s.lbMode == "hybrid" {
		return "Hybrid"
	}
	return strings.ToUpper(s.lbMode)
}

func (s *state) dispatchWord() string {
	switch s.dispatch() {
	case "ipip":
		return "IPIP"
	case "geneve":
		return "Geneve"
	}
	return "IP Option/Extension"
}

func (s *state) accelerationWord() string {
	switch s.acceleration {
	case "testing-only":
		return "Generic"
	case "best-effort":
		return "Best-Effort"
	}
	return capital(s.acceleration)
}

// annotations are those of a service that this agent follows, sorted.
func (s *state) annotations() []string {
	if !s.nodePort {
		return nil
	}
	var list []string
	if s.byAnnotation() {
		list = append(list, "service.cilium.io/forwarding-mode")
	}
	if s.opt.on("bpf-lb-algorithm-annotation") {
		list = append(list, "service.cilium.io/lb-algorithm")
	}
	list = append(list, "service.cilium.io/node")
	if s.version.atLeast(18) {
		list = append(list, "service.cilium.io/node-selector", "service.cilium.io/proxy-delegation")
	}
	return append(list, "service.cilium.io/src-ranges-policy", "service.cilium.io/type")
}

func (s *state) hostRouting() string {
	if s.bpfHostRouting {
		return "BPF"
	}
	return "Legacy"
}

func (s *state) congestionControl() string {
	if s.bbr {
		return "bbr"
	}
	return "cubic"
}

// podCIDR is the node's own range, made from its name.
func (s *state) podCIDR() string { return fmt.Sprintf("10.0.%d.0/24", hashOf(s.node)%254) }

func (s *state) podIP(host int) string { return podIPOf(s.node, host) }

func podIPOf(node string, host int) string { return fmt.Sprintf("10.0.%d.%d", hashOf(node)%254, host) }

// notMasqueraded is the range that keeps its source address: the native routing range, else the node's own.
func (s *state) notMasqueraded() string {
	if cidr := s.opt.text("ipv4-native-routing-cidr"); cidr != "" {
		return cidr
	}
	return s.podCIDR()
}

func (s *state) notMasqueraded6() string {
	if !s.masquerade6 {
		return ""
	}
	return s.opt.text("ipv6-native-routing-cidr")
}

// deviceIPs are a device's addresses in the status. From 1.15 an empty one stands before each, which leaves several
// blanks between the device and its address in the text.
func (s *state) deviceIPs(device Device) []string {
	if s.version.atLeast(15) {
		return []string{"", device.IP}
	}
	return []string{device.IP}
}

func (s *state) nodeIP() string {
	for _, device := range s.devices {
		if device.IP != "" {
			return device.IP
		}
	}
	return "Unavailable"
}

func (s *state) addresses() string {
	status := ""
	if s.opt.on("enable-ipv4") {
		status = fmt.Sprintf("IPv4: 2/254 allocated from %s", s.podCIDR())
	}
	status += ", "
	if s.opt.on("enable-ipv6") {
		status += fmt.Sprintf("IPv6: 2/18446744073709551614 allocated from fd00:10:0:%x::/64", hashOf(s.node)%254)
	}
	return status
}

// encryption is the mode in the words of the status.
func (s *state) encryption() string {
	switch {
	case s.ipsec():
		return "IPsec"
	case s.wireguard():
		return "Wireguard"
	}
	return "Disabled"
}

func (s *state) probesHealth() bool { return s.opt.text("enable-health-checking") != "false" }

func (s *state) clusterMesh() bool {
	return s.opt.number("cluster-id") != 0 && s.opt.text("cluster-name") != ""
}

var controllers = []string{
	"cilium-health-ep", "dns-garbage-collector-job", "endpoint-1-regeneration-recovery", "endpoint-gc", "ipcache-inject-labels",
	"metricsmap-bpf-prom-sync", "resolve-identity-1", "sync-endpoints-and-host-ips", "sync-lb-maps-with-k8s-services",
	"sync-policymap-1", "sync-to-k8s-ciliumendpoint (1)", "template-dir-watcher",
}

// flows are what Hubble has seen since the agent started, two a second.
func (a *Agent) flows() (current, seen int64, uptime time.Duration) {
	uptime = time.Since(a.started)
	seen = int64(2 * uptime.Seconds())
	return min(seen, maxFlows), seen, uptime
}

func (s *state) hubbleMetrics() string {
	if s.opt.text("hubble-metrics") != "" {
		return "Ok"
	}
	return "Disabled"
}
