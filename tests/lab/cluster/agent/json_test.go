// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// field is what a path of the JSON status holds for a configuration; nil where the path must not be there.
type field struct {
	at     string
	config changes
	path   string
	value  any
}

var enabledOnly = map[string]any{"enabled": true}

var fields = []field{
	{"1.11-1.13", nil, "kube-proxy-replacement.mode", "Strict"},
	{"1.14+", nil, "kube-proxy-replacement.mode", "True"},
	{"all", nil, "kube-proxy-replacement.directRoutingDevice", "eth0"},
	{"all", nil, "kube-proxy-replacement.devices", []any{"eth0"}},
	{"1.11-1.14", nil, "kube-proxy-replacement.deviceList", []any{map[string]any{"name": "eth0", "ip": []any{"192.168.1.10"}}}},
	{"1.15+", nil, "kube-proxy-replacement.deviceList", []any{map[string]any{"name": "eth0", "ip": []any{"", "192.168.1.10"}}}},
	{"all", with(noKPR, iptables), "kube-proxy-replacement.deviceList", nil},
	{"all", with(noKPR, iptables), "kube-proxy-replacement.features.nodePort", map[string]any{}},
	{"all", dsr, "kube-proxy-replacement.features.nodePort.mode", "DSR"},
	{"all", hybrid, "kube-proxy-replacement.features.nodePort.mode", "Hybrid"},
	{"1.11-1.14", dsr, "kube-proxy-replacement.features.nodePort.dsrMode", nil},
	{"1.15+", nil, "kube-proxy-replacement.features.nodePort.dsrMode", "IP Option/Extension"},
	{"all", nil, "kube-proxy-replacement.features.nodePort.acceleration", "Disabled"},
	{"all", nil, "kube-proxy-replacement.features.nodePort.algorithm", "Random"},
	{"all", nil, "kube-proxy-replacement.features.nodePort.lutSize", nil},
	{"all", changes{"bpf-lb-algorithm": "maglev"}, "kube-proxy-replacement.features.nodePort.lutSize", 16381.0},
	{"all", nil, "kube-proxy-replacement.features.nodePort.portMin", 30000.0},
	{"all", nil, "kube-proxy-replacement.features.nodePort.portMax", 32767.0},
	{"1.11", nil, "kube-proxy-replacement.features.hostReachableServices.protocols", []any{"TCP", "UDP"}},
	{"1.12+", nil, "kube-proxy-replacement.features.hostReachableServices", nil},
	{"1.11", nil, "kube-proxy-replacement.features.socketLB", nil},
	{"1.12+", nil, "kube-proxy-replacement.features.socketLB", enabledOnly},
	{"1.12+", with(noKPR, iptables), "kube-proxy-replacement.features.socketLB", map[string]any{}},
	{"1.12+", changes{"bpf-lb-sock-hostns-only": "true"}, "kube-proxy-replacement.features.bpfSocketLBHostnsOnly", true},
	{"1.12+", nil, "kube-proxy-replacement.features.bpfSocketLBHostnsOnly", nil},
	{"1.11-1.12", nil, "kube-proxy-replacement.features.socketLBTracing", nil},
	{"1.13+", nil, "kube-proxy-replacement.features.socketLBTracing", enabledOnly},
	{"1.11", nil, "kube-proxy-replacement.features.nat46X64", nil},
	{"1.12", nil, "kube-proxy-replacement.features.nat46X64", map[string]any{}},
	{"1.13+", nil, "kube-proxy-replacement.features.nat46X64.service", map[string]any{}},
	{"1.13+", changes{"enable-nat46x64-gateway": "true"}, "kube-proxy-replacement.features.nat46X64.gateway.prefixes",
		[]any{"64:ff9b::/96"}},
	{"all", nil, "kube-proxy-replacement.features.hostPort", enabledOnly},
	{"all", nil, "kube-proxy-replacement.features.externalIPs", enabledOnly},
	{"all", nil, "kube-proxy-replacement.features.sessionAffinity", enabledOnly},
	{"1.11-1.17", nil, "kube-proxy-replacement.features.gracefulTermination", enabledOnly},
	{"1.18+", nil, "kube-proxy-replacement.features.gracefulTermination", nil},
	{"1.11-1.16", nil, "kube-proxy-replacement.features.annotations", nil},
	{"1.17", nil, "kube-proxy-replacement.features.annotations",
		[]any{"service.cilium.io/node", "service.cilium.io/src-ranges-policy", "service.cilium.io/type"}},
	{"1.18+", changes{"bpf-lb-mode-annotation": "true"}, "kube-proxy-replacement.features.annotations",
		[]any{"service.cilium.io/forwarding-mode", "service.cilium.io/node", "service.cilium.io/node-selector",
			"service.cilium.io/proxy-delegation", "service.cilium.io/src-ranges-policy", "service.cilium.io/type"}},
	{"1.17+", with(noKPR, iptables), "kube-proxy-replacement.features.annotations", nil},
	{"1.11-1.15", nil, "host-routing.mode", "BPF"},
	{"1.11-1.15", iptables, "host-routing.mode", "Legacy"},
	{"1.16+", nil, "host-routing", nil},
	{"1.11-1.15", nil, "routing", nil},
	{"1.16+", nil, "routing", map[string]any{"inter-host-routing-mode": "Native", "intra-host-routing-mode": "BPF"}},
	{"1.16+", with(iptables, changes{"@tunnel": "geneve"}), "routing",
		map[string]any{"inter-host-routing-mode": "Tunnel", "intra-host-routing-mode": "Legacy", "tunnel-protocol": "geneve"}},
	{"all", changes{"ipv4-native-routing-cidr": "10.0.0.0/8"}, "masquerading", map[string]any{"enabled": true, "mode": "BPF",
		"enabledProtocols": map[string]any{"ipv4": true}, "snat-exclusion-cidr-v4": "10.0.0.0/8"}},
	{"all", iptables, "masquerading.mode", "iptables"},
	{"all", noMasq, "masquerading", map[string]any{"enabledProtocols": map[string]any{}}},
	{"all", changes{"enable-ip-masq-agent": "true"}, "masquerading.ip-masq-agent", true},
	{"all", nil, "bandwidth-manager", map[string]any{}},
	{"1.11", bandwidth, "bandwidth-manager", map[string]any{"enabled": true, "devices": []any{"eth0"}}},
	{"1.12+", bbr, "bandwidth-manager.congestionControl", "bbr"},
	{"1.11-1.12", nil, "ipv6-big-tcp", nil},
	{"1.13", bigTCP(), "ipv6-big-tcp", enabledOnly},
	{"1.14+", bigTCP(), "ipv6-big-tcp", map[string]any{"enabled": true, "maxGRO": 196608.0, "maxGSO": 196608.0}},
	{"1.11-1.13", nil, "ipv4-big-tcp", nil},
	{"1.14+", nil, "ipv4-big-tcp", map[string]any{}},
	{"1.11-1.15", nil, "attach-mode", nil},
	{"1.16+", nil, "attach-mode", "tcx"},
	{"1.16+", changes{"enable-tcx": "false"}, "attach-mode", "tc"},
	{"1.11-1.15", nil, "datapath-mode", nil},
	{"1.16+", netkit, "datapath-mode", "netkit"},
	{"1.11-1.19", nil, "configured-datapath-mode", nil},
	{"1.20", changes{"datapath-mode": "auto"}, "configured-datapath-mode", "auto"},
	{"1.20", changes{"datapath-mode": "auto"}, "datapath-mode", "netkit"},
	{"all", nil, "host-firewall", map[string]any{"mode": "Disabled"}},
	{"all", changes{"enable-host-firewall": "true"}, "host-firewall.devices", []any{"eth0"}},
	{"1.11", nil, "cni-chaining", nil},
	{"1.12+", nil, "cni-chaining.mode", "none"},
	{"1.11-1.12", nil, "cni-file", nil},
	{"1.13+", nil, "cni-file.state", "Ok"},
	{"all", nil, "bpf-maps.dynamic-size-ratio", nil},
	{"all", changes{"bpf-map-dynamic-size-ratio": "0.08"}, "bpf-maps.dynamic-size-ratio", 0.08},
	{"all", nil, "clock-source", map[string]any{"mode": "ktime"}},
	{"all", changes{"enable-bpf-clock-probe": "true"}, "clock-source", map[string]any{"mode": "jiffies", "hertz": 250.0}},
	{"all", nil, "hubble", map[string]any{"state": "Disabled"}},
	{"1.11-1.17", changes{"enable-hubble": "true"}, "hubble.metrics.state", "Disabled"},
	{"1.11-1.17", changes{"enable-hubble": "true"}, "hubble-metrics", nil},
	{"1.18+", changes{"enable-hubble": "true"}, "hubble.metrics", nil},
	{"1.18+", changes{"enable-hubble": "true", "hubble-metrics": "dns"}, "hubble-metrics.state", "Ok"},
	{"all", changes{"enable-hubble": "true"}, "hubble.observer.max-flows", 4095.0},
	{"all", nil, "encryption", map[string]any{"mode": "Disabled"}},
	{"all", changes{"enable-wireguard": "true"}, "encryption.mode", "Wireguard"},
	{"1.11-1.13", changes{"enable-wireguard": "true"}, "encryption.wireguard.node-encryption", nil},
	{"1.14+", changes{"enable-wireguard": "true"}, "encryption.wireguard.node-encryption", "Disabled"},
	{"all", nil, "cluster.self", "default/node-1"},
	{"all", nil, "cluster.ciliumHealth.state", "Ok"},
	{"all", nil, "kubernetes.state", "Ok"},
	{"1.11-1.16", nil, "kvstore", map[string]any{"state": "Ok", "msg": "Disabled"}},
	{"1.17+", nil, "kvstore", map[string]any{"state": "Disabled"}},
	{"all", nil, "stale", nil},
}

// jsonStatus is the agent's status as a client would decode it.
func jsonStatus(t *testing.T, a *Agent, health string) map[string]any {
	t.Helper()
	out, errs, code := run(a, health, "status", "-o", "json")
	var status map[string]any
	if err := json.Unmarshal([]byte(out), &status); err != nil || code != 0 || errs != "" {
		t.Fatalf("status -o json: exit code %d, %q, %v", code, errs, err)
	}
	return status
}

// at walks a dotted path; nil where it ends before.
func at(value any, path string) any {
	for _, name := range strings.Split(path, ".") {
		inner, isObject := value.(map[string]any)
		if !isObject {
			return nil
		}
		value = inner[name]
	}
	return value
}

func TestFields(t *testing.T) {
	for _, f := range fields {
		t.Run(f.path+" "+f.at, func(t *testing.T) {
			for _, release := range releases {
				if !versions(f.at).has(mustVersion(t, release)) {
					continue
				}
				status := jsonStatus(t, start(t, release, f.config), healthOK)
				if found := at(status, f.path); fmt.Sprint(found) != fmt.Sprint(f.value) {
					t.Errorf("%s: %v, should be %v", release, found, f.value)
				}
			}
		})
	}
}

// what a line of text says must be what the JSON says, whatever the configuration.
func TestTextAndJSONAgree(t *testing.T) {
	for _, release := range releases {
		for _, config := range []changes{nil, dsr, hybrid, iptables, bandwidth, with(noKPR, noMasq), {"bpf-lb-acceleration": "native"}} {
			a := start(t, release, config)
			text, status := verbose(t, a), jsonStatus(t, a, healthOK)
			nodePort := "kube-proxy-replacement.features.nodePort."
			for label, path := range map[string]string{"  Mode:": nodePort + "mode", "  XDP Acceleration:": nodePort + "acceleration",
				"  Status:": "kube-proxy-replacement.mode", "Host Routing:": "host-routing.mode", "Device Mode:": "datapath-mode"} {
				shown, _ := valueOf(text, label)
				if value := at(status, path); shown != "" && shown != value || shown == "" && value != nil {
					t.Errorf("%s %v: text %q, JSON %v", release, config, shown, value)
				}
			}
		}
	}
}
