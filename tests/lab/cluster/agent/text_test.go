// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// label is a line of the status and the versions that print it.
type label struct{ text, at string }

// topLabels in the order of print.
var topLabels = []label{
	{"KVStore:", "all"}, {"Kubernetes:", "all"}, {"Kubernetes APIs:", "all"}, {"KubeProxyReplacement:", "all"},
	{"Host firewall:", "all"}, {"SRv6:", "1.15+"}, {"CNI Chaining:", "1.12+"}, {"CNI Config file:", "1.13+"},
	{"Cilium:", "all"}, {"NodeMonitor:", "all"}, {"Cilium health daemon:", "all"}, {"IPAM:", "all"},
	{"Allocated addresses:", "all"}, {"IPv4 BIG TCP:", "1.14+"}, {"IPv6 BIG TCP:", "1.13+"}, {"BandwidthManager:", "all"},
	{"Host Routing:", "1.11-1.15"}, {"Routing:", "1.16+"}, {"Attach Mode:", "1.16+"}, {"Device Mode:", "1.16+"},
	{"Masquerading:", "all"}, {"Clock Source for BPF:", "all"}, {"Controller Status:", "all"}, {"Proxy Status:", "all"},
	{"Global Identity Range:", "1.12+"}, {"Hubble:", "all"}, {"KubeProxyReplacement Details:", "all"}, {"BPF Maps:", "all"},
	{"Encryption:", "all"}, {"Cluster health:", "all"}, {"Modules Health:", "1.16+"},
}

// verboseOnly are left out of a plain status.
var verboseOnly = []string{"Allocated addresses:", "Clock Source for BPF:", "KubeProxyReplacement Details:", "BPF Maps:"}

// detailLabels of the block "KubeProxyReplacement Details" with everything on, in the order of print.
var detailLabels = []label{
	{"  Status:", "all"}, {"  Socket LB:", "1.12+"}, {"  Socket LB Protocols:", "1.11-1.12"},
	{"  Socket LB Tracing:", "1.13+"}, {"  Socket LB Coverage:", "1.12+"}, {"  Devices:", "all"}, {"  Mode:", "all"},
	{"    DSR Dispatch Mode:", "1.15+"}, {"  Backend Selection:", "all"}, {"  Session Affinity:", "all"},
	{"  Graceful Termination:", "1.11-1.17"}, {"  NAT46/64 Support:", "1.12+"}, {"  XDP Acceleration:", "all"},
	{"  Services:", "all"}, {"  - ClusterIP:", "all"}, {"  - NodePort:", "all"}, {"  - LoadBalancer:", "all"},
	{"  - externalIPs:", "all"}, {"  - HostPort:", "all"}, {"  Annotations:", "1.17+"},
}

func labelsAt(labels []label, v version) []string {
	var list []string
	for _, l := range labels {
		if versions(l.at).has(v) {
			list = append(list, l.text)
		}
	}
	return list
}

// foundLabels are the labels at the start of the lines that a pattern matches.
func foundLabels(status string, pattern *regexp.Regexp) []string {
	var list []string
	for _, line := range strings.Split(status, "\n") {
		if found := pattern.FindString(line); found != "" {
			list = append(list, found)
		}
	}
	return list
}

var atTop = regexp.MustCompile(`^[A-Z][^:]*:`)

func TestLinesOfEveryVersion(t *testing.T) {
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			a := start(t, release)
			wanted := labelsAt(topLabels, a.state.version)
			if found := foundLabels(verbose(t, a), atTop); !slices.Equal(found, wanted) {
				t.Errorf("verbose prints\n%q, should\n%q", found, wanted)
			}
			wanted = slices.DeleteFunc(wanted, func(l string) bool { return slices.Contains(verboseOnly, l) })
			out, _, _ := run(a, healthOK, "status")
			if found := foundLabels(out, atTop); !slices.Equal(found, wanted) {
				t.Errorf("plain prints\n%q, should\n%q", found, wanted)
			}
		})
	}
}

func TestDetailsOfEveryVersion(t *testing.T) {
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			a := start(t, release, dsr)
			_, details, _ := strings.Cut(verbose(t, a), "KubeProxyReplacement Details:\n")
			details, _, _ = strings.Cut(details, "\nBPF Maps:")
			wanted := labelsAt(detailLabels, a.state.version)
			if found := foundLabels(details, regexp.MustCompile(`^ +(- )?[A-Za-z46/]+( [A-Za-z46/]+)*:`)); !slices.Equal(found, wanted) {
				t.Errorf("prints\n%q, should\n%q", found, wanted)
			}
		})
	}
}

// shown is what a line says after its label, for a configuration; "-" where there must be no such line.
type shown struct {
	at     string
	config changes
	label  string
	value  string
}

const noLine = "-"

var hybrid = changes{"bpf-lb-mode": "hybrid"}

var shownLines = []shown{
	{"1.11-1.16", nil, "KVStore:", "Ok   Disabled"},
	{"1.17+", nil, "KVStore:", "Disabled"},
	{"1.11-1.13", nil, "KubeProxyReplacement:", "Strict   [eth0 192.168.1.10 (Direct Routing)]"},
	{"1.14", nil, "KubeProxyReplacement:", "True   [eth0 192.168.1.10 (Direct Routing)]"},
	{"1.15+", nil, "KubeProxyReplacement:", "True   [eth0  192.168.1.10 (Direct Routing)]"},
	{"1.11-1.13", with(noKPR, iptables), "KubeProxyReplacement:", "Disabled"},
	{"1.14+", with(noKPR, iptables), "KubeProxyReplacement:", "False"},
	{"1.14-1.15", changes{"kube-proxy-replacement": "partial", "enable-bpf-masquerade": ""}, "  Status:", "Partial"},
	{"1.11-1.12", changes{"kube-proxy-replacement": "probe"}, "  Status:", "Probe"},
	{"all", nil, "Host firewall:", "Disabled"},
	{"all", changes{"enable-host-firewall": "true"}, "Host firewall:", "Enabled   [eth0]"},
	{"1.15+", changes{"enable-srv6": "true"}, "SRv6:", "Enabled   [encap-mode: reduced]"},
	{"1.12+", nil, "CNI Chaining:", "none"},
	{"1.13", bigTCP(), "IPv6 BIG TCP:", "Enabled"},
	{"1.14+", bigTCP(), "IPv6 BIG TCP:", "Enabled   [196608]"},
	{"1.14+", bigTCP(), "IPv4 BIG TCP:", "Enabled   [196608]"},
	{"all", nil, "BandwidthManager:", "Disabled"},
	{"1.11", bandwidth, "BandwidthManager:", "EDT with BPF   [eth0]"},
	{"1.12+", bandwidth, "BandwidthManager:", "EDT with BPF [CUBIC] [eth0]"},
	{"1.12+", bbr, "BandwidthManager:", "EDT with BPF [BBR] [eth0]"},
	{"1.11-1.15", nil, "Host Routing:", "BPF"},
	{"1.11-1.15", iptables, "Host Routing:", "Legacy"},
	{"1.16+", nil, "Routing:", "Network: Native   Host: BPF"},
	{"1.16+", with(iptables, changes{"@tunnel": "vxlan"}), "Routing:", "Network: Tunnel [vxlan]   Host: Legacy"},
	{"1.16+", changes{"@tunnel": "geneve"}, "Routing:", "Network: Tunnel [geneve]   Host: BPF"},
	{"1.16+", nil, "Attach Mode:", "TCX"},
	{"1.16+", changes{"enable-tcx": "false"}, "Attach Mode:", "Legacy TC"},
	{"1.16+", changes{"datapath-mode": "netkit-l2"}, "Device Mode:", "netkit-l2"},
	{"1.16-1.17", changes{"datapath-mode": "lb-only"}, "Device Mode:", "?"},
	{"1.20", changes{"datapath-mode": "auto", "enable-bpf-tproxy": "true"}, "Device Mode:", "veth [Configured: auto]"},
	{"1.11-1.17", changes{"ipv4-native-routing-cidr": "10.0.0.0/8"}, "Masquerading:",
		"BPF   [eth0]   10.0.0.0/8 [IPv4: Enabled, IPv6: Disabled]"},
	{"1.18+", changes{"ipv4-native-routing-cidr": "10.0.0.0/8"}, "Masquerading:",
		"BPF   [eth0]   10.0.0.0/8  [IPv4: Enabled, IPv6: Disabled]"},
	{"1.18+", changes{"ipv4-native-routing-cidr": "10.0.0.0/8", "enable-ipv6": "true", "ipv6-native-routing-cidr": "fd00::/48"},
		"Masquerading:", "BPF   [eth0]   10.0.0.0/8 fd00::/48 [IPv4: Enabled, IPv6: Enabled]"},
	{"1.13", changes{"ipv4-native-routing-cidr": "10.0.0.0/8", "enable-ip-masq-agent": "true"}, "Masquerading:",
		"BPF (ip-masq-agent)   [eth0]   10.0.0.0/8 [IPv4: Enabled, IPv6: Disabled]"},
	{"all", iptables, "Masquerading:", "IPTables [IPv4: Enabled, IPv6: Disabled]"},
	{"all", noMasq, "Masquerading:", "Disabled"},
	{"all", nil, "Clock Source for BPF:", "ktime"},
	{"all", changes{"enable-bpf-clock-probe": "true"}, "Clock Source for BPF:", "jiffies   [250 Hz]"},
	{"1.11-1.17", nil, "Hubble:", "Disabled"},
	{"1.18+", nil, "Hubble:", "Disabled   Metrics: Disabled"},
	{"all", nil, "BPF Maps:", "dynamic sizing: off"},
	{"all", changes{"bpf-map-dynamic-size-ratio": "0.0025"}, "BPF Maps:", "dynamic sizing: on (ratio: 0.002500)"},
	{"all", nil, "Encryption:", "Disabled"},
	{"1.14+", changes{"enable-wireguard": "true", "encrypt-node": "true"}, "Encryption:", "Wireguard       [NodeEncryption: Enabled, " +
		"cilium_wg0 (Pubkey: " + publicKey + ", Port: 51871, Peers: 0)]"},
	{"1.11-1.13", changes{"enable-wireguard": "true"}, "Encryption:",
		"Wireguard       [cilium_wg0 (Pubkey: " + publicKey + ", Port: 51871, Peers: 0)]"},
	{"all", with(noKPR, noMasq, changes{"enable-ipsec": "true"}), "Encryption:", "IPsec"},
	{"all", changes{"enable-health-checking": "false"}, "Cluster health:", "Probe disabled"},
	{"1.11-1.13", changes{"cluster-id": "3", "cluster-name": "c3"}, "ClusterMesh:", "0/0 clusters ready, 0 global-services"},
	{"1.14-1.18", changes{"cluster-id": "3", "cluster-name": "c3"}, "ClusterMesh:", "0/0 remote clusters ready, 0 global-services"},
	{"1.19+", changes{"cluster-id": "3", "cluster-name": "c3"}, "ClusterMesh:", "0/0 remote clusters ready"},

	{"1.11-1.12", nil, "  Socket LB Protocols:", "TCP, UDP"},
	{"1.12+", nil, "  Socket LB:", "Enabled"},
	{"1.12+", with(noKPR, iptables), "  Socket LB:", "Disabled"},
	{"1.12+", changes{"bpf-lb-sock-hostns-only": "true"}, "  Socket LB Coverage:", "Hostns-only"},
	{"1.12+", nil, "  Socket LB Coverage:", "Full"},
	{"1.16+", changes{"trace-sock": "false"}, "  Socket LB Tracing:", "Disabled"},
	{"all", nil, "  Mode:", "SNAT"},
	{"all", dsr, "  Mode:", "DSR"},
	{"all", hybrid, "  Mode:", "Hybrid"},
	{"1.11-1.12", with(dsr, changes{"@tunnel": "vxlan"}), "  Mode:", "SNAT"},
	{"all", with(noKPR, iptables), "  Mode:", noLine},
	{"all", with(noKPR, iptables), "  XDP Acceleration:", noLine},
	{"1.11-1.17", with(noKPR, changes{"enable-bpf-masquerade": "", "@kpr": "partly", "enable-node-port": "true"}), "  Mode:", "SNAT"},
	{"1.19+", with(iptables, changes{"@kpr": "partly", "enable-node-port": "true"}), "  Mode:", noLine},
	{"1.15+", nil, "    DSR Dispatch Mode:", noLine},
	{"1.15+", dsr, "    DSR Dispatch Mode:", "IP Option/Extension"},
	{"1.15+", with(dsr, changes{"bpf-lb-dsr-dispatch": "geneve", "tunnel-protocol": "geneve"}), "    DSR Dispatch Mode:", "Geneve"},
	{"1.19+", with(dsr, changes{"bpf-lb-dsr-dispatch": "ipip"}), "    DSR Dispatch Mode:", "IPIP"},
	{"all", nil, "  Backend Selection:", "Random"},
	{"all", changes{"bpf-lb-algorithm": "maglev"}, "  Backend Selection:", "Maglev (Table Size: 16381)"},
	{"all", changes{"bpf-lb-acceleration": "native"}, "  XDP Acceleration:", "Native"},
	{"all", changes{"bpf-lb-acceleration": "testing-only"}, "  XDP Acceleration:", "Generic"},
	{"1.15+", changes{"bpf-lb-acceleration": "best-effort"}, "  XDP Acceleration:", "Best-Effort"},
	{"1.11-1.17", nil, "  Graceful Termination:", "Enabled"},
	{"1.12+", nil, "  NAT46/64 Support:", "Disabled"},
	{"1.12", changes{"enable-nat46x64-gateway": "true"}, "  NAT46/64 Support:", "Enabled"},
	{"1.13+", changes{"enable-nat46x64-gateway": "true"}, "    Prefixes:", "64:ff9b::/96"},
	{"1.13-1.17", changes{"enable-ipv6": "true", "enable-ipv6-masquerade": "false"}, "  - Services:", "Enabled"},
	{"all", nil, "  - NodePort:", "Enabled (Range: 30000-32767)"},
	{"all", changes{"node-port-range": "30000,31000"}, "  - NodePort:", "Enabled (Range: 30000-31000)"},
	{"all", with(noKPR, iptables), "  - NodePort:", "Disabled"},
	{"1.17+", with(noKPR, iptables), "  Annotations:", "(n/a)"},
	{"1.18+", changes{"bpf-lb-mode-annotation": "true"}, "  - service.cilium.io/forwarding-mode", ""},
	{"1.17+", nil, "  - service.cilium.io/forwarding-mode", noLine},
	{"1.17+", changes{"bpf-lb-algorithm-annotation": "true"}, "  - service.cilium.io/lb-algorithm", ""},
}

func TestLines(t *testing.T) {
	for _, line := range shownLines {
		t.Run(line.label+" "+line.at, func(t *testing.T) {
			tried := 0
			for _, release := range releases {
				if versions(line.at).has(mustVersion(t, release)) {
					tried++
					line.check(t, release)
				}
			}
			if tried == 0 {
				t.Error("no release of these versions was tried")
			}
		})
	}
}

func (line shown) check(t *testing.T, release string) {
	t.Helper()
	value, found := valueOf(verbose(t, start(t, release, line.config)), line.label)
	switch {
	case line.value == noLine && found:
		t.Errorf("%s: prints %q, should not", release, value)
	case line.value != noLine && (!found || value != line.value):
		t.Errorf("%s: prints %q (%v), should %q", release, value, found, line.value)
	}
}

func TestHubbleLineWhenOn(t *testing.T) {
	pattern := regexp.MustCompile(`^Ok +Current/Max Flows: \d+/4095 \(\d+\.\d\d%\), Flows/s: \d+\.\d\d +Metrics: Ok$`)
	for _, release := range releases {
		a := start(t, release, changes{"enable-hubble": "true", "hubble-metrics": "dns"})
		if value, _ := valueOf(verbose(t, a), "Hubble:"); !pattern.MatchString(value) {
			t.Errorf("%s: %q", release, value)
		}
	}
}

func TestClusterHealthByVersion(t *testing.T) {
	when := `\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)`
	for _, release := range releases {
		pattern := `^1/1 reachable +` + when + `$`
		if versions("1.18+").has(mustVersion(t, release)) {
			pattern = `^1/1 reachable +` + when + ` +\(Probe interval: 1m36\.566274746s\)$`
		}
		if value, _ := valueOf(verbose(t, start(t, release)), "Cluster health:"); !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("%s: %q", release, value)
		}
	}
}

func TestMapNamesByVersion(t *testing.T) {
	for name, at := range map[string]string{"  Auth ": "1.14+", "  IP masquerading agent ": "1.11-1.13",
		"  IPv4 masquerading agent ": "1.14+", "  Policy stats ": "1.18+", "  Endpoints ": "1.18+", "  Global policy ": "1.11-1.17"} {
		for _, release := range releases {
			v := mustVersion(t, release)
			if _, found := valueOf(verbose(t, start(t, release)), name); found != versions(at).has(v) {
				t.Errorf("%s: map %q is listed: %v", release, name, found)
			}
		}
	}
}

func TestMapSizes(t *testing.T) {
	status := verbose(t, start(t, "1.13.4", changes{"bpf-ct-global-tcp-max": "1000000", "bpf-nat-global-max": "600000"}))
	scaled := verbose(t, start(t, "1.13.4", changes{"bpf-map-dynamic-size-ratio": "0.08", "bpf-nat-global-max": "400000"}))
	for _, c := range []struct{ status, label, value string }{
		{status, "  TCP connection tracking", "1000000"}, {status, "  NAT ", "600000"}, {status, "  Neighbor table", "524288"},
		{scaled, "  NAT ", "400000"}, {scaled, "  TCP connection tracking", "2411209"},
	} {
		if value, _ := valueOf(c.status, c.label); value != c.value {
			t.Errorf("%s: %s, should be %s", c.label, value, c.value)
		}
	}
}

// Settings table, bpf_map_sizes: the maps of services have options of their own since 1.12.
func TestServiceMapSizes(t *testing.T) {
	given := changes{"bpf-lb-map-max": "131072", "bpf-lb-service-map-max": "262144", "bpf-lb-rev-nat-map-max": "0"}
	for _, release := range releases {
		status := verbose(t, start(t, release, given))
		service := "262144"
		if !mustVersion(t, release).atLeast(12) {
			service = "131072"
		}
		for label, wanted := range map[string]string{"IPv4 service": service, "IPv6 service": service,
			"IPv4 service backend": "131072", "IPv4 service reverse NAT": "131072", "Session affinity": "131072"} {
			if size, _ := valueOf(status, "  "+label+"  "); size != wanted {
				t.Errorf("%s: %s is %q, should be %s", release, label, size, wanted)
			}
		}
	}
}
