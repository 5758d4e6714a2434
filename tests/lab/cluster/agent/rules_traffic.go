// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"slices"
)

const (
	rowBandwidth  = "bandwidth manager"
	rowBBR        = "BBR"
	rowBigTCP     = "IPv6 BIG TCP"
	rowNetkit     = "netkit"
	rowLRU        = "distributed LRU"
	rowNATMap     = "NAT map > 2/3 CT maps"
	rowHostnsOnly = "socketLB hostNamespaceOnly"
	rowKernels    = "Kernel minimums"
)

var deviceModeRules = []rule{
	{
		name: "netkit-auto", row: rowNetkit, clause: "mode auto falls back to veth",
		versions: versions("1.20"), effect: degrade,
		when: func(s *state) bool {
			return s.datapathMode == "auto" && (s.kernel.older("6.7") || !s.bpfHostRouting || s.opt.on("enable-bpf-tproxy"))
		},
		say:    text("netkit devices are not available, falling back to veth"),
		change: func(s *state) { s.datapathMode = "veth" },
	}, {
		name: "netkit-auto-chosen", row: rowNetkit, clause: "mode auto", versions: versions("1.20"), effect: warn,
		when:   func(s *state) bool { return s.datapathMode == "auto" },
		say:    text("netkit devices are available, using netkit"),
		change: func(s *state) { s.datapathMode = "netkit" },
	}, {
		name: "netkit-kernel", row: rowNetkit, clause: "kernel 6.7.0", versions: versions("1.16+"), effect: refuse,
		when: func(s *state) bool { return s.netkit() && s.kernel.older("6.7") },
		say:  text("netkit devices need kernel 6.7.0 or newer and CONFIG_NETKIT"),
	}, {
		name: "netkit-tproxy", row: rowNetkit, clause: "bpf tproxy", versions: versions("1.19+"), effect: refuse,
		when: func(s *state) bool { return s.netkit() && s.opt.on("enable-bpf-tproxy") },
		say:  text("netkit devices cannot be used with BPF TProxy (--enable-bpf-tproxy)"),
	}, {
		name: "netkit-tcx", row: rowNetkit, clause: "enable-tcx forced on", versions: versions("1.16+"), effect: degrade,
		when:   func(s *state) bool { return s.netkit() && !s.tcx },
		say:    text("netkit devices need tcx, enabling it (--enable-tcx)"),
		change: func(s *state) { s.tcx = true },
	}, {
		name: "tcx-kernel", row: rowKernels, clause: "tcx 6.6", versions: versions("1.16+"), effect: degrade,
		when:   func(s *state) bool { return s.tcx && s.kernel.older("6.6") },
		say:    text("tcx needs kernel 6.6 or newer, attaching through tc"),
		change: func(s *state) { s.tcx = false },
	},
}

func noBandwidth(s *state) { s.bandwidth, s.bbr = false, false }

var bandwidthRules = []rule{
	{
		name: "bandwidth-kernel", row: rowBandwidth, clause: "kernel <5.1",
		versions: versions("1.11-1.17"), effect: degrade,
		when:   func(s *state) bool { return s.bandwidth && s.kernel.older("5.1") },
		say:    text("BPF bandwidth manager needs kernel 5.1 or newer. Disabling the feature."),
		change: noBandwidth,
	}, {
		name: "bandwidth-devices", row: rowBandwidth, clause: "no devices", versions: versions("all"), effect: degrade,
		when:   func(s *state) bool { return s.bandwidth && len(s.devices) == 0 },
		say:    text("BPF bandwidth manager could not detect host devices. Disabling the feature."),
		change: noBandwidth,
	}, {
		name: "bandwidth-ipsec", row: rowBandwidth, clause: "IPsec", versions: versions("all"), effect: degrade,
		when:   func(s *state) bool { return s.bandwidth && s.ipsec() },
		say:    text("The bandwidth manager cannot be used with IPSec. Disabling the feature."),
		change: noBandwidth,
	}, {
		name: "bbr-kernel", row: rowBBR, clause: "kernel <5.18", versions: versions("1.12+"), effect: refuse,
		when: func(s *state) bool { return s.bbr && s.kernel.older("5.18") },
		say:  text("BPF bandwidth manager's BBR setup needs kernel 5.18 or newer."),
	}, {
		name: "bbr-routing-1.12", row: rowBBR, clause: "host legacy routing",
		versions: versions("1.12-1.17"), effect: refuse,
		when: func(s *state) bool { return s.bbr && !s.bpfHostRouting },
		say:  text("BPF bandwidth manager's BBR setup requires BPF host routing."),
	}, {
		name: "bbr-routing-1.18", row: rowBBR, clause: "host legacy routing, unless enable-bbr-hostns-only",
		versions: versions("1.18+"), effect: refuse,
		when: func(s *state) bool { return s.bbr && !s.bpfHostRouting && !s.opt.on("enable-bbr-hostns-only") },
		say:  text("BPF bandwidth manager's BBR setup requires BPF host routing."),
	}, {
		name: "bbr-hostns-only", row: rowBBR, clause: "enable-bbr-hostns-only needs enable-bbr",
		versions: versions("1.18+"),
		effect:   refuse,
		when:     func(s *state) bool { return s.opt.on("enable-bbr-hostns-only") && !s.opt.on("enable-bbr") },
		say:      text("enable-bbr-hostns-only requires enable-bbr"),
	},
}

// bigTCPRule is one combination that BIG TCP cannot be had with.
func bigTCPRule(name, clause, range_, reason string, when func(*state) bool) rule {
	return rule{
		name: name, row: rowBigTCP, clause: clause, versions: versions(range_), effect: refuse,
		when: func(s *state) bool { return s.bigTCP() && when(s) },
		say:  text("BIG TCP " + reason),
	}
}

func inTunnel(s *state) bool  { return s.tunnel != "" }
func encrypted(s *state) bool { return s.ipsec() || s.wireguard() }
func legacy(s *state) bool    { return !s.bpfHostRouting }

// notIn returns a predicate: the datapath mode is none of these.
func notIn(modes ...string) func(*state) bool {
	return func(s *state) bool { return !slices.Contains(modes, s.datapathMode) }
}

const needsBigTunnel = "in tunneling mode needs --enable-tunnel-big-tcp"

var bigTCPRules = []rule{
	bigTCPRule("big-tcp-datapath-1.13", "datapath != veth", "1.13", "is supported only in veth datapath mode",
		notIn("veth")),
	bigTCPRule("big-tcp-datapath-1.14", "datapath != veth, v6+v4", "1.14-1.15",
		"is supported only in veth datapath mode",
		notIn("veth")),
	bigTCPRule("big-tcp-datapath-1.16", "veth & netkit", "1.16-1.17", "is supported only in veth & netkit datapath mode",
		notIn("veth", "netkit", "netkit-l2")),
	bigTCPRule("big-tcp-tunnel-1.13", "tunnel", "1.13", "is not supported in tunneling mode", inTunnel),
	bigTCPRule("big-tcp-tunnel-1.14", "tunnel, v6+v4", "1.14-1.15", "is not supported in tunneling mode", inTunnel),
	bigTCPRule("big-tcp-tunnel-1.16", "tunnel", "1.16-1.18", "is not supported in tunneling mode", inTunnel),
	bigTCPRule("big-tcp-tunnel-1.19", "tunnel needs enable-tunnel-big-tcp", "1.19", needsBigTunnel,
		func(s *state) bool { return inTunnel(s) && !s.opt.on("enable-tunnel-big-tcp") }),
	bigTCPRule("big-tcp-geneve-1.19", "dispatch geneve needs enable-tunnel-big-tcp", "1.19", needsBigTunnel,
		func(s *state) bool { return s.dispatch() == "geneve" && !s.opt.on("enable-tunnel-big-tcp") }),
	bigTCPRule("big-tcp-ipip-1.19", "dispatch ipip", "1.19+", "is not supported with DSR dispatch mode ipip",
		func(s *state) bool { return s.dispatch() == "ipip" }),
	bigTCPRule("big-tcp-encryption-1.13", "encryption", "1.13", "is not supported with encryption enabled", encrypted),
	bigTCPRule("big-tcp-encryption-1.14", "encryption, v6+v4", "1.14-1.15", "is not supported with encryption enabled",
		encrypted),
	bigTCPRule("big-tcp-encryption-1.16", "encryption", "1.16+", "is not supported with encryption enabled", encrypted),
	bigTCPRule("big-tcp-routing-1.13", "legacy host routing", "1.13", "is not supported with legacy host routing",
		legacy),
	bigTCPRule("big-tcp-routing-1.14", "legacy host routing, v6+v4", "1.14-1.15",
		"is not supported with legacy host routing", legacy),
	bigTCPRule("big-tcp-routing-1.16", "legacy host routing", "1.16+", "is not supported with legacy host routing",
		legacy),
	{
		name: "big-tcp-kernel-6", row: rowBigTCP, clause: "kernel <5.19", versions: versions("1.13+"), effect: degrade,
		when:   func(s *state) bool { return s.bigTCP6 && s.kernel.older("5.19") },
		say:    text("IPv6 BIG TCP requires kernel 5.19 or newer, disabling BIG TCP for IPv6"),
		change: func(s *state) { s.bigTCP6 = false },
	}, {
		name: "big-tcp-kernel-4", row: rowBigTCP, clause: "v4 kernel 6.3", versions: versions("1.14+"), effect: degrade,
		when:   func(s *state) bool { return s.bigTCP4 && s.kernel.older("6.3") },
		say:    text("IPv4 BIG TCP requires kernel 6.3 or newer, disabling BIG TCP for IPv4"),
		change: func(s *state) { s.bigTCP4 = false },
	}, {
		name: "big-tcp-devices", row: rowBigTCP, clause: "no devices", versions: versions("1.13+"), effect: degrade,
		when:   func(s *state) bool { return s.bigTCP() && len(s.devices) == 0 },
		say:    text("BIG TCP could not detect host devices. Disabling the feature."),
		change: func(s *state) { s.bigTCP4, s.bigTCP6 = false, false },
	},
}

func allNamespaces(s *state) { s.hostnsOnly, s.socketLBTracing = false, false }

var socketRules = []rule{
	{
		name: "hostns-kernel", row: rowHostnsOnly, clause: "kernel <5.7", versions: versions("all"), effect: degrade,
		when: func(s *state) bool { return s.hostnsOnly && s.kernel.older("5.7") },
		say: text("Socket LB in the host namespace only (--bpf-lb-sock-hostns-only) requires kernel " +
			"5.7 or newer. Disabling it."),
		change: allNamespaces,
	}, {
		name: "hostns-socket", row: rowHostnsOnly, clause: "socket LB off", versions: versions("all"), effect: degrade,
		when:   func(s *state) bool { return s.hostnsOnly && !s.socketLB },
		say:    text("Socket LB in the host namespace only (--bpf-lb-sock-hostns-only) requires socket LB. Disabling it."),
		change: allNamespaces,
	}, {
		name: "tracing-kernel", row: rowKernels, clause: "socket-LB tracing 5.7",
		versions: versions("1.13+"), effect: degrade,
		when:   func(s *state) bool { return s.socketLBTracing && s.kernel.older("5.7") },
		say:    text("Socket LB tracing requires kernel 5.7 or newer. Disabling it."),
		change: func(s *state) { s.socketLBTracing = false },
	},
}

func trackedConnections(s *state) int {
	return s.opt.number("bpf-ct-global-tcp-max") + s.opt.number("bpf-ct-global-any-max")
}

// natTooLarge: a size left at its default follows the connection tracking maps, one that was set must fit them.
func natTooLarge(s *state) bool { return s.natMapMax > trackedConnections(s)*2/3 }

const defaultNATMapMax = 524288

var mapRules = []rule{
	{
		name: "nat-map", row: rowNATMap, clause: "size set", versions: versions("all"), effect: refuse,
		when: func(s *state) bool { return natTooLarge(s) && s.natMapMax != defaultNATMapMax },
		say: func(s *state) string {
			return fmt.Sprintf("specified NAT tables size %d must not exceed maximum CT table size %d",
				s.natMapMax, trackedConnections(s)*2/3)
		},
	}, {
		name: "nat-map-follows", row: rowNATMap, clause: "default size follows", versions: versions("all"), effect: degrade,
		when: natTooLarge,
		say: func(s *state) string {
			return fmt.Sprintf("NAT table size adjusted to %d to fit the CT tables", trackedConnections(s)*2/3)
		},
		change: func(s *state) { s.natMapMax = trackedConnections(s) * 2 / 3 },
	}, {
		name: "distributed-lru", row: rowLRU, versions: versions("1.17.4+"), effect: refuse,
		when: func(s *state) bool { return s.opt.on("bpf-distributed-lru") && s.opt.ratio() == 0 },
		say:  text("distributed LRU is only valid with a specified dynamic map size ratio"),
	},
}

func kernelRule(name, range_, minimum string) rule {
	return rule{
		name: name, row: rowKernels, clause: "base " + minimum, versions: versions(range_), effect: refuse,
		when: func(s *state) bool { return s.kernel.older(minimum) && !s.kernel.rhel8() },
		say: func(s *state) string {
			return fmt.Sprintf("kernel version: NOT OK: minimal supported kernel version is %s; "+
				"kernel version that is running is: %s", minimum, s.kernel.release)
		},
	}
}

var kernelRules = []rule{
	kernelRule("kernel-1.11", "1.11-1.12", "4.9.17"),
	kernelRule("kernel-1.13", "1.13-1.15", "4.19.57"),
	kernelRule("kernel-1.16", "1.16-1.17", "5.4"),
	kernelRule("kernel-1.18", "1.18+", "5.10"),
}
