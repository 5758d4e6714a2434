// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"slices"
)

const (
	// Not in the table of the facts: what agents from 1.11.0 on are known to say.
	rowRange       = "native routing and masquerading without ipv4-native-routing-cidr"
	rowIPsec       = "NodePort/KPR + IPsec"
	rowMasquerade  = "BPF masq without NodePort/KPR"
	rowMasquerade6 = "IPv6 masq + BPF masq"
	rowNoTrack     = "no-conntrack iptables"
	rowHostRouting = "host routing (BPF)"
	noTrack        = "install-no-conntrack-iptables-rules"
)

var routeRules = []rule{
	{
		name: "auto-direct-node-routes", row: "auto-direct-node-routes + tunnel", versions: versions("all"), effect: refuse,
		when: func(s *state) bool { return s.tunnel != "" && s.opt.on("auto-direct-node-routes") },
		say: func(s *state) string {
			return fmt.Sprintf("option --auto-direct-node-routes cannot be used with tunneling (%s). "+
				"Packets must be routed through the tunnel device.", s.tunnel)
		},
	}, {
		name: "native-range", row: rowRange, versions: versions("all"), effect: refuse,
		when: func(s *state) bool {
			own := slices.Contains([]string{"eni", "alibabacloud"}, s.opt.text("ipam")) || s.opt.on("enable-ip-masq-agent")
			return s.tunnel == "" && s.masquerade4 && !own && s.opt.text("ipv4-native-routing-cidr") == ""
		},
		say: func(s *state) string {
			mode := "--routing-mode=native"
			if !s.version.atLeast(14) {
				mode = "--tunnel=disabled"
			}
			return fmt.Sprintf("invalid daemon configuration: native routing cidr must be configured with option "+
				"--ipv4-native-routing-cidr in combination with --enable-ipv4-masquerade %s --ipam=%s --enable-ipv4=true",
				mode, s.opt.text("ipam"))
		},
	},
}

var encryptionRules = []rule{
	{
		name: "ipsec-strict-1.11", row: rowIPsec, clause: "refused with strict",
		versions: versions("1.11-1.12"), effect: refuse,
		when: func(s *state) bool { return s.nodePort && s.ipsec() && s.kprFull },
		say:  text("IPSec cannot be used with BPF NodePort"),
	}, {
		name: "ipsec-partial-1.11", row: rowIPsec, clause: "else NodePort is disabled", versions: versions("1.11-1.12"),
		effect: degrade,
		when:   func(s *state) bool { return s.nodePort && s.ipsec() },
		say:    text("IPSec cannot be used with BPF NodePort. Disabling BPF NodePort feature."),
		change: func(s *state) { s.nodePort, s.hostPort, s.externalIPs = false, false, false },
	}, {
		name: "ipsec-1.13", row: rowIPsec, versions: versions("1.13-1.15"), effect: refuse,
		when: func(s *state) bool { return s.nodePort && s.ipsec() },
		say:  text("IPSec cannot be used with BPF NodePort"),
	},
}

// toIptables is what a failed BPF masquerade falls back to; the host's stack is then needed for routing too.
func toIptables(s *state) {
	s.bpfMasquerade = false
	if s.bpfHostRouting {
		s.bpfHostRouting = false
		s.logLine("info", "BPF masquerade could not be enabled. Falling back to legacy host routing "+
			"(--enable-host-legacy-routing=\"true\").")
	}
}

// fallsBack is a degradation of BPF masquerade for a reason.
func fallsBack(reason string) func(*state) string {
	return text(reason + ". Falling back to iptables-based masquerading.")
}

var masqueradeRules = []rule{
	{
		name: "masquerade-ipv6-1.13", row: rowMasquerade6, versions: versions("1.13"), effect: refuse,
		when: func(s *state) bool { return s.bpfMasquerade && s.masquerade6 },
		say:  text("BPF masquerade is not supported for IPv6."),
	}, {
		name: "masquerade-nodeport-1.11", row: rowMasquerade, versions: versions("1.11-1.12"), effect: degrade,
		when: masqueradeWithoutNodePort, say: fallsBack("BPF masquerade requires NodePort"), change: toIptables,
	}, {
		name: "masquerade-nodeport-1.13", row: rowMasquerade, versions: versions("1.13"), effect: degrade,
		when: masqueradeWithoutNodePort, say: fallsBack("BPF masquerade requires NodePort"), change: toIptables,
	}, {
		name: "masquerade-identity-1.13", row: rowMasquerade, clause: "remote-node-identity off",
		versions: versions("1.13"),
		effect:   degrade,
		when:     func(s *state) bool { return s.bpfMasquerade && !s.opt.on("enable-remote-node-identity") },
		say:      fallsBack("BPF masquerade requires remote node identities"), change: toIptables,
	}, {
		name: "masquerade-interfaces-1.13", row: rowMasquerade, clause: "egress-masquerade-interfaces set",
		versions: versions("1.13"), effect: degrade,
		when: func(s *state) bool { return s.bpfMasquerade && s.opt.text("egress-masquerade-interfaces") != "" },
		say: fallsBack("BPF masquerade does not allow to specify devices via --egress-masquerade-interfaces " +
			"(use --devices instead)"),
		change: toIptables,
	}, {
		name: "masquerade-socket-1.13", row: rowMasquerade, clause: "tunnel without socket LB", versions: versions("1.13"),
		effect: degrade,
		when:   func(s *state) bool { return s.bpfMasquerade && s.tunnel != "" && !s.socketLB },
		say:    fallsBack("BPF masquerade requires socket-LB"), change: toIptables,
	}, {
		name: "masquerade-nodeport-1.14", row: rowMasquerade, versions: versions("1.14"), effect: degrade,
		when: masqueradeWithoutNodePort, say: fallsBack("BPF masquerade requires NodePort"), change: toIptables,
	}, {
		name: "masquerade-nodeport-1.15", row: rowMasquerade, versions: versions("1.15-1.18"), effect: refuse,
		when: masqueradeWithoutNodePort,
		say: text("unable to initialize BPF masquerade support: BPF masquerade requires NodePort " +
			"(--enable-node-port=\"true\")"),
	}, {
		name: "masquerade-nothing-1.16", row: rowMasquerade, clause: "both address families off",
		versions: versions("1.16+"),
		effect:   refuse,
		when:     func(s *state) bool { return s.bpfMasquerade && !s.masquerading() },
		say:      text("BPF masquerade requires (enable-ipv4-masquerade or enable-ipv6-masquerade)"),
	},
}

func masqueradeWithoutNodePort(s *state) bool { return s.bpfMasquerade && !s.nodePort }

// noTrackRule is one condition that the rules against connection tracking ask for.
func noTrackRule(name, clause, message string, missing func(*state) bool) rule {
	return rule{
		name: name, row: rowNoTrack, clause: clause, versions: versions("all"), effect: refuse,
		when: func(s *state) bool { return s.opt.on(noTrack) && missing(s) },
		say:  func(*state) string { return fmt.Sprintf(message, noTrack) },
	}
}

var noTrackRules = []rule{
	noTrackRule("notrack-routing", "native routing", "%s requires the agent to run in direct routing mode.",
		func(s *state) bool { return s.tunnel != "" }),
	noTrackRule("notrack-ipv4", "enable-ipv4", "%s requires IPv4 support.",
		func(s *state) bool { return !s.opt.on("enable-ipv4") }),
	noTrackRule("notrack-kpr", "KPR fully on", "%s requires the agent to run with a full kube-proxy replacement.",
		func(s *state) bool { return !s.kprFull }),
	noTrackRule("notrack-masquerade", "BPF masquerade or masquerading off",
		"%s requires masquerading to be done by BPF (enable-bpf-masquerade) or to be off.",
		func(s *state) bool { return s.masquerading() && !s.opt.on("enable-bpf-masquerade") }),
}

// legacyRule is one reason for which BPF host routing falls back to the host's stack.
func legacyRule(name, clause, range_, reason string, when func(*state) bool) rule {
	return rule{
		name: name, row: rowHostRouting, clause: clause, versions: versions(range_), effect: degrade,
		when:   func(s *state) bool { return s.bpfHostRouting && when(s) },
		say:    text(reason + " Falling back to legacy host routing (--enable-host-legacy-routing=true)."),
		change: func(s *state) { s.bpfHostRouting = false },
	}
}

func byIptables(s *state) bool { return s.masquerading() && !s.bpfMasquerade }

// layer3Drivers make devices without a hardware address.
var layer3Drivers = []string{"wireguard", "tun", "ipip", "sit", "gre", "ip6tnl", "xfrm"}

func withoutMAC(s *state) bool {
	return slices.ContainsFunc(s.devices, func(d Device) bool { return slices.Contains(layer3Drivers, d.Driver) })
}

func endpointRoutes(s *state) bool { return s.opt.on("enable-endpoint-routes") }
func notFull(s *state) bool        { return !s.kprFull }
func before510(s *state) bool      { return s.kernel.older("5.10") }

const (
	sayIPsec     = "BPF host routing is incompatible with enable-ipsec."
	sayIptables  = "BPF host routing requires enable-bpf-masquerade."
	sayKPR       = "BPF host routing requires kube-proxy-replacement."
	sayEndpoints = "BPF host routing is currently not supported with enable-endpoint-routes."
	sayLayer3    = "BPF host routing is currently not supported with devices without L2 addr."
	sayWireGuard = "BPF host routing is currently not compatible with Wireguard (--enable-wireguard)."
	sayKernel    = "BPF host routing requires kernel 5.10 or newer."
)

var hostRoutingRules = []rule{
	legacyRule("host-ipsec-1.11", "IPsec", "1.11-1.12", sayIPsec, (*state).ipsec),
	legacyRule("host-ipsec-1.13", "IPsec", "1.13", sayIPsec, (*state).ipsec),
	legacyRule("host-ipsec-1.14", "IPsec", "1.14-1.17", sayIPsec, (*state).ipsec),
	legacyRule("host-ipsec-1.18", "IPsec, allowed since main 2026", "1.18-1.19", sayIPsec, (*state).ipsec),
	legacyRule("host-iptables-1.11", "iptables masq", "1.11-1.12", sayIptables, byIptables),
	legacyRule("host-iptables-1.13", "iptables masq", "1.13", sayIptables, byIptables),
	legacyRule("host-iptables-1.14", "iptables masq", "1.14-1.17", sayIptables, byIptables),
	legacyRule("host-iptables-1.18", "iptables masq", "1.18+", sayIptables, byIptables),
	legacyRule("host-kpr-1.13", "KPR != strict", "1.13", sayKPR, notFull),
	legacyRule("host-kpr-1.14", "KPR != full", "1.14-1.17", sayKPR, notFull),
	legacyRule("host-kpr-1.18", "KPR off", "1.18+", sayKPR, notFull),
	legacyRule("host-endpoints-1.11", "endpoint routes", "1.11-1.12", sayEndpoints, endpointRoutes),
	legacyRule("host-endpoints-1.13", "endpoint routes", "1.13", sayEndpoints, endpointRoutes),
	legacyRule("host-layer3-1.11", "L3 devices", "1.11-1.12", sayLayer3, withoutMAC),
	legacyRule("host-layer3-1.13", "device without MAC", "1.13", sayLayer3, withoutMAC),
	legacyRule("host-wireguard-1.11", "WireGuard", "1.11-1.12", sayWireGuard, (*state).wireguard),
	legacyRule("host-wireguard-1.13", "WireGuard", "1.13", sayWireGuard, (*state).wireguard),
	legacyRule("host-kernel-1.11", "kernel <5.10", "1.11-1.12", sayKernel, before510),
	legacyRule("host-kernel-1.13", "kernel <5.10", "1.13", sayKernel, before510),
	legacyRule("host-kernel-1.14", "kernel <5.10", "1.14-1.17", sayKernel, before510),
}
