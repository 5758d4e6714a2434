// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import "maps"

func init() { maps.Copy(proofs, trafficProofs) }

// rhel8 is a kernel below most minimums that every agent takes nevertheless.
const rhel8 = "4.18.0-553.el8_10.x86_64"

func noBandwidthNow(s *state) bool { return !s.bandwidth && !s.bbr }

var (
	bandwidth = changes{"enable-bandwidth-manager": "true"}
	bbr       = with(bandwidth, changes{"enable-bbr": "true"})
	netkit    = changes{"datapath-mode": "netkit"}
)

// trafficProofs: bandwidth, BIG TCP, device modes, maps and kernels.
var trafficProofs = map[string]proof{
	"netkit-auto": {at: "1.20", effect: degrade, enough: "6.7", config: changes{"datapath-mode": "auto"},
		kernel: "6.6.30",
		lifted: []changes{netkit, {"datapath-mode": "veth"}},
		says:   "netkit devices are not available, falling back to veth",
		then:   func(s *state) bool { return s.datapathMode == "veth" }},
	"netkit-auto-chosen": {at: "1.20", effect: warn, config: changes{"datapath-mode": "auto"},
		lifted: []changes{netkit, {"enable-bpf-tproxy": "true"}, {"enable-host-legacy-routing": "true"}},
		says:   "netkit devices are available, using netkit", then: (*state).netkit},
	"netkit-kernel": {at: "1.16+", enough: "6.7.0", config: netkit, kernel: "6.6.99",
		lifted: []changes{{"datapath-mode": "veth"}},
		says:   "netkit devices need kernel 6.7.0 or newer and CONFIG_NETKIT"},
	"netkit-tproxy": {at: "1.19+", config: with(netkit, changes{"enable-bpf-tproxy": "true"}),
		lifted: []changes{{"datapath-mode": "veth"}, {"enable-bpf-tproxy": "false"}},
		says:   "netkit devices cannot be used with BPF TProxy"},
	"netkit-tcx": {at: "1.16+", effect: degrade, config: with(netkit, changes{"enable-tcx": "false"}),
		lifted: []changes{{"datapath-mode": "veth"}, {"enable-tcx": "true"}}, says: "netkit devices need tcx, enabling it",
		then: func(s *state) bool { return s.tcx }},
	"tcx-kernel": {at: "1.16+", effect: degrade, enough: "6.6", config: changes{}, kernel: "6.5.13",
		lifted: []changes{{"enable-tcx": "false"}},
		says:   "tcx needs kernel 6.6 or newer, attaching through tc", then: func(s *state) bool { return !s.tcx }},

	"bandwidth-kernel": {at: "1.11-1.17", effect: degrade, enough: "5.1", config: bandwidth, kernel: rhel8,
		lifted: []changes{{"enable-bandwidth-manager": "false"}}, says: "BPF bandwidth manager needs kernel 5.1 or newer",
		then: noBandwidthNow},
	"bandwidth-devices": {at: "all", effect: degrade, config: bandwidth, devices: []Device{},
		lifted: []changes{{"enable-bandwidth-manager": "false"}},
		says:   "BPF bandwidth manager could not detect host devices", then: noBandwidthNow},
	"bandwidth-ipsec": {at: "all", effect: degrade,
		config: with(bandwidth, noKPR, noMasq, changes{"enable-ipsec": "true"}),
		lifted: []changes{{"enable-ipsec": "false"}}, says: "The bandwidth manager cannot be used with IPSec",
		then: noBandwidthNow},
	"bbr-kernel": {at: "1.12+", enough: "5.18", config: bbr, kernel: "5.17.15",
		lifted: []changes{{"enable-bbr": "false"}, {"enable-bandwidth-manager": "false"}},
		says:   "BPF bandwidth manager's BBR setup needs kernel 5.18 or newer"},
	"bbr-routing-1.12": {at: "1.12-1.17", config: with(bbr, changes{"enable-host-legacy-routing": "true"}),
		lifted: []changes{{"enable-host-legacy-routing": "false"}, {"enable-bbr": "false"}},
		says:   "BPF bandwidth manager's BBR setup requires BPF host routing."},
	"bbr-routing-1.18": {at: "1.18+", config: with(bbr, iptables),
		lifted: []changes{{"enable-bpf-masquerade": "true"}, {"enable-bbr-hostns-only": "true"}},
		says:   "BPF bandwidth manager's BBR setup requires BPF host routing."},
	"bbr-hostns-only": {at: "1.18+", config: with(bandwidth, changes{"enable-bbr-hostns-only": "true"}),
		lifted: []changes{{"enable-bbr": "true"}, {"enable-bbr-hostns-only": "false"}},
		says:   "enable-bbr-hostns-only requires enable-bbr"},

	"big-tcp-datapath-1.13": {at: "1.13", config: bigTCP(changes{"datapath-mode": "lb-only"}),
		lifted: []changes{{"datapath-mode": "veth"}}, says: "BIG TCP is supported only in veth datapath mode"},
	"big-tcp-datapath-1.14": {at: "1.14-1.15", config: bigTCP(changes{"datapath-mode": "lb-only"}),
		lifted: []changes{{"datapath-mode": "veth"}}, says: "BIG TCP is supported only in veth datapath mode"},
	"big-tcp-datapath-1.16": {at: "1.16-1.17", config: bigTCP(changes{"datapath-mode": "lb-only"}),
		lifted: []changes{{"datapath-mode": "veth"}, netkit},
		says:   "BIG TCP is supported only in veth & netkit datapath mode"},
	"big-tcp-tunnel-1.13": {at: "1.13", config: bigTCP(changes{"@tunnel": "vxlan"}), lifted: []changes{native},
		says: "BIG TCP is not supported in tunneling mode"},
	"big-tcp-tunnel-1.14": {at: "1.14-1.15", config: bigTCP(changes{"@tunnel": "vxlan", "enable-ipv6-big-tcp": "false"}),
		lifted: []changes{native, {"enable-ipv4-big-tcp": "false"}}, says: "BIG TCP is not supported in tunneling mode"},
	"big-tcp-tunnel-1.16": {at: "1.16-1.18", config: bigTCP(changes{"@tunnel": "vxlan"}), lifted: []changes{native},
		says: "BIG TCP is not supported in tunneling mode"},
	"big-tcp-tunnel-1.19": {at: "1.19", config: bigTCP(changes{"@tunnel": "vxlan"}),
		lifted: []changes{native, {"enable-tunnel-big-tcp": "true"}},
		says:   "BIG TCP in tunneling mode needs --enable-tunnel-big-tcp"},
	"big-tcp-geneve-1.19": {at: "1.19", config: bigTCP(changes{"bpf-lb-mode": "snat", "bpf-lb-dsr-dispatch": "geneve"}),
		lifted: []changes{{"bpf-lb-dsr-dispatch": "opt"}, {"enable-tunnel-big-tcp": "true"}},
		says:   "BIG TCP in tunneling mode needs --enable-tunnel-big-tcp"},
	"big-tcp-ipip-1.19": {at: "1.19+", config: bigTCP(changes{"bpf-lb-mode": "snat", "bpf-lb-dsr-dispatch": "ipip"}),
		lifted: []changes{{"bpf-lb-dsr-dispatch": "opt"}}, says: "BIG TCP is not supported with DSR dispatch mode ipip"},
	"big-tcp-encryption-1.13": {at: "1.13", config: bigTCP(changes{"enable-wireguard": "true"}),
		lifted: []changes{{"enable-wireguard": "false"}}, says: "BIG TCP is not supported with encryption enabled"},
	"big-tcp-encryption-1.14": {at: "1.14-1.15", config: bigTCP(changes{"enable-wireguard": "true"}),
		lifted: []changes{{"enable-wireguard": "false"}}, says: "BIG TCP is not supported with encryption enabled"},
	"big-tcp-encryption-1.16": {at: "1.16+", config: bigTCP(changes{"enable-ipsec": "true"}),
		lifted: []changes{{"enable-ipsec": "false"}}, says: "BIG TCP is not supported with encryption enabled"},
	"big-tcp-routing-1.13": {at: "1.13", config: bigTCP(iptables), lifted: []changes{{"enable-bpf-masquerade": "true"}},
		says: "BIG TCP is not supported with legacy host routing"},
	"big-tcp-routing-1.14": {at: "1.14-1.15", config: bigTCP(iptables),
		lifted: []changes{{"enable-bpf-masquerade": "true"}},
		says:   "BIG TCP is not supported with legacy host routing"},
	"big-tcp-routing-1.16": {at: "1.16+", config: bigTCP(iptables), lifted: []changes{{"enable-bpf-masquerade": "true"}},
		says: "BIG TCP is not supported with legacy host routing"},
	"big-tcp-kernel-6": {at: "1.13+", effect: degrade, enough: "5.19", config: bigTCP(), kernel: "5.18.19",
		lifted: []changes{{"enable-ipv6-big-tcp": "false"}},
		says:   "IPv6 BIG TCP requires kernel 5.19 or newer", then: func(s *state) bool { return !s.bigTCP6 }},
	"big-tcp-kernel-4": {at: "1.14+", effect: degrade, enough: "6.3", config: bigTCP(), kernel: "6.2.0-26-generic",
		lifted: []changes{{"enable-ipv4-big-tcp": "false"}},
		says:   "IPv4 BIG TCP requires kernel 6.3 or newer", then: func(s *state) bool { return !s.bigTCP4 && s.bigTCP6 }},
	"big-tcp-devices": {at: "1.13+", effect: degrade, config: bigTCP(), devices: []Device{},
		lifted: []changes{{"enable-ipv4-big-tcp": "false", "enable-ipv6-big-tcp": "false"}},
		says:   "BIG TCP could not detect host devices", then: func(s *state) bool { return !s.bigTCP() }},

	"hostns-kernel": {at: "all", effect: degrade, enough: "5.7", config: changes{"bpf-lb-sock-hostns-only": "true"},
		kernel: rhel8,
		lifted: []changes{{"bpf-lb-sock-hostns-only": "false"}},
		says:   "Socket LB in the host namespace only (--bpf-lb-sock-hostns-only) requires kernel 5.7",
		then:   func(s *state) bool { return !s.hostnsOnly && !s.socketLBTracing }},
	"hostns-socket": {at: "all", effect: degrade,
		config: with(noKPR, iptables, changes{"bpf-lb-sock-hostns-only": "true"}),
		lifted: []changes{full},
		says:   "Socket LB in the host namespace only (--bpf-lb-sock-hostns-only) requires socket LB",
		then:   func(s *state) bool { return !s.hostnsOnly && !s.socketLBTracing }},
	"tracing-kernel": {at: "1.13+", effect: degrade, enough: "5.7", config: changes{}, kernel: rhel8,
		lifted: []changes{with(noKPR, iptables)},
		says:   "Socket LB tracing requires kernel 5.7", then: func(s *state) bool { return !s.socketLBTracing }},

	"nat-map": {at: "all", config: changes{"bpf-nat-global-max": "524289"},
		lifted: []changes{{"bpf-nat-global-max": "524287"}, {"bpf-ct-global-any-max": "300000"}},
		says:   "specified NAT tables size 524289 must not exceed maximum CT table size 524288"},
	"nat-map-follows": {at: "all", effect: degrade,
		config: changes{"bpf-ct-global-tcp-max": "100000", "bpf-ct-global-any-max": "50000"},
		lifted: []changes{{"bpf-nat-global-max": "100000"}}, says: "NAT table size adjusted to 100000",
		then: func(s *state) bool { return s.natMapMax == 100000 && translated(s) == 100000 }},
	"distributed-lru": {at: "1.17.4+", config: changes{"bpf-distributed-lru": "true"},
		lifted: []changes{{"bpf-map-dynamic-size-ratio": "0.0025"}, {"bpf-distributed-lru": "false"}},
		says:   "distributed LRU is only valid with a specified dynamic map size ratio"},

	"kernel-1.11": {at: "1.11-1.12", enough: "4.9.17", config: with(noKPR, iptables), kernel: "4.9.16",
		says: "kernel version: NOT OK: minimal supported kernel version is 4.9.17"},
	"kernel-1.13": {at: "1.13-1.15", enough: "4.19.57", config: with(noKPR, iptables), kernel: "4.18.20",
		says: "kernel version: NOT OK: minimal supported kernel version is 4.19.57"},
	"kernel-1.16": {at: "1.16-1.17", enough: "5.4", config: with(noKPR, iptables), kernel: "5.3.18",
		says: "kernel version: NOT OK: minimal supported kernel version is 5.4"},
	"kernel-1.18": {at: "1.18+", enough: "5.10", config: with(noKPR, iptables), kernel: "5.9.16",
		says: "kernel version: NOT OK: minimal supported kernel version is 5.10"},
}
