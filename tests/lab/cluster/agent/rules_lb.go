// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"slices"
	"strings"
)

const (
	rowDSRTunnel      = "mode dsr/hybrid + any tunnel"
	rowGeneveDispatch = "dispatch geneve"
	rowHybridIPIP     = "hybrid + ipip"
	rowIPIPDispatch   = "dispatch ipip"
	rowAnnotation     = "bpf-lb-mode-annotation"
	rowXDPTunnel      = "XDP + tunnel"
	rowXDPDriver      = "XDP native without driver support"
	rowXDPWireGuard   = "XDP + WireGuard node encryption"
	rowNAT46          = "NAT46x64 + mode != snat"
)

// notSNAT: the mode itself, not an annotation, asks for DSR.
func notSNAT(s *state) bool { return s.nodePort && s.lbMode != "snat" }

func modeAndTunnel(format string) func(*state) string {
	return func(s *state) string { return fmt.Sprintf(format, s.lbMode) }
}

var forwardingRules = []rule{
	{
		name: "dsr-tunnel-1.11", row: rowDSRTunnel, versions: versions("1.11-1.12"), effect: degrade,
		when:   func(s *state) bool { return notSNAT(s) && s.tunnel != "" },
		say:    modeAndTunnel("Disabling NodePort's %q mode feature due to tunneling mode being enabled"),
		change: func(s *state) { s.lbMode = "snat" },
	}, {
		name: "dsr-tunnel-1.13", row: rowDSRTunnel, versions: versions("1.13"), effect: refuse,
		when: func(s *state) bool { return notSNAT(s) && s.tunnel != "" },
		say:  modeAndTunnel("Node Port %q mode cannot be used with tunneling."),
	}, {
		name: "dsr-vxlan-1.14", row: rowDSRTunnel, clause: "vxlan", versions: versions("1.14"), effect: refuse,
		when: func(s *state) bool { return notSNAT(s) && s.tunnel == "vxlan" },
		say:  modeAndTunnel("Node Port %q mode cannot be used with vxlan tunneling."),
	}, {
		name: "dsr-geneve-tunnel-1.14", row: rowDSRTunnel, clause: "geneve tunnel needs dispatch geneve",
		versions: versions("1.14"), effect: refuse,
		when: func(s *state) bool { return notSNAT(s) && s.tunnel == "geneve" && s.dispatch() != "geneve" },
		say:  modeAndTunnel("Node Port %q mode with geneve tunneling requires geneve dispatch."),
	}, {
		name: "dsr-tunnel-1.15", row: rowDSRTunnel, clause: "tunnel needs dispatch geneve",
		versions: versions("1.15-1.16"), effect: refuse,
		when: func(s *state) bool { return notSNAT(s) && s.tunnel != "" && s.dispatch() != "geneve" },
		say:  modeAndTunnel("Tunnel routing with Node Port %q mode requires geneve dispatch."),
	}, {
		name: "dsr-tunnel-1.17", row: rowDSRTunnel, clause: "tunnel needs dispatch geneve, also when only lbModeAnnotation",
		versions: versions("1.17+"), effect: refuse,
		when: func(s *state) bool { return s.usesDSR() && s.tunnel != "" && s.dispatch() != "geneve" },
		say:  modeAndTunnel("Tunnel routing with Node Port %q mode requires geneve dispatch."),
	}, {
		name: "annotation-dispatch-1.17", row: rowAnnotation, clause: "needs dispatch ipip", versions: versions("1.17"),
		effect: refuse,
		when:   func(s *state) bool { return s.nodePort && s.byAnnotation() && s.dispatch() != "ipip" },
		say: text("Annotation-based selection of the forwarding mode (--bpf-lb-mode-annotation) " +
			"requires --bpf-lb-dsr-dispatch=ipip"),
	}, {
		name: "annotation-hybrid", row: rowAnnotation, clause: "with mode=hybrid",
		versions: versions("1.17+"), effect: refuse,
		when: func(s *state) bool {
			return s.readsLoadBalancerOptions() && s.byAnnotation() && s.lbMode == "hybrid"
		},
		say: text("The value --bpf-lb-mode=hybrid is not supported as default under annotation mode"),
	}, {
		name: "nat46-1.13", row: rowNAT46, versions: versions("1.13"), effect: degrade,
		when:   func(s *state) bool { return s.nat46Service && s.lbMode != "snat" },
		say:    modeAndTunnel("Service NAT46/NAT64 is not available with Node Port %q mode"),
		change: func(s *state) { s.nat46Service = false },
	}, {
		name: "nat46-1.18", row: rowNAT46, versions: versions("1.18+"), effect: refuse,
		when: func(s *state) bool { return s.nodePort && s.nat46Gateway && s.lbMode != "snat" },
		say:  text("NAT46/NAT64 requires SNAT mode for services"),
	},
}

var dispatchValueRules = []rule{
	{
		name: "dispatch-value-1.11", row: rowGeneveDispatch, clause: "unknown value", versions: versions("1.11-1.12"),
		effect: refuse,
		when:   outsideLB("bpf-lb-dsr-dispatch", "opt", "ipip"),
		say:    invalid("bpf-lb-dsr-dispatch"),
	}, {
		name: "dispatch-value-1.13", row: rowGeneveDispatch, clause: "no geneve before 1.14", versions: versions("1.13"),
		effect: refuse,
		when:   outsideLB("bpf-lb-dsr-dispatch", "opt", "ipip"),
		say:    invalid("bpf-lb-dsr-dispatch"),
	}, {
		name: "dispatch-value-1.14", row: rowGeneveDispatch, clause: "accepted beside opt and ipip, nothing else is",
		versions: versions("1.14+"), effect: refuse,
		when: outsideLB("bpf-lb-dsr-dispatch", "opt", "ipip", "geneve"),
		say:  invalid("bpf-lb-dsr-dispatch"),
	},
}

var dispatchRules = []rule{
	{
		name: "geneve-protocol", row: rowGeneveDispatch, clause: "needs tunnel-protocol=geneve, also under native routing",
		versions: versions("1.15+"), effect: refuse,
		when: func(s *state) bool { return s.usesDSR() && s.dispatch() == "geneve" && s.tunnelProtocol != "geneve" },
		say:  modeAndTunnel("Node Port %q mode with geneve dispatch requires geneve tunnel protocol."),
	}, {
		name: "hybrid-ipip", row: rowHybridIPIP, versions: versions("1.11-1.17"), effect: refuse,
		when: func(s *state) bool { return s.nodePort && s.lbMode == "hybrid" && s.dispatch() == "ipip" },
		say:  text("Node Port \"hybrid\" mode cannot be used with ipip dispatch"),
	}, {
		name: "ipip-lb-only-1.11", row: rowIPIPDispatch, clause: "datapath-mode=lb-only", versions: versions("1.11-1.12"),
		effect: refuse,
		when:   ipipOutsideLBOnly, say: text("DSR dispatch mode ipip only supported for --datapath-mode=lb-only"),
	}, {
		name: "ipip-lb-only-1.13", row: rowIPIPDispatch, clause: "datapath-mode=lb-only", versions: versions("1.13-1.17"),
		effect: refuse,
		when:   ipipOutsideLBOnly, say: text("DSR dispatch mode ipip only supported for --datapath-mode=lb-only"),
	}, {
		name: "ipip-xdp-1.11", row: rowIPIPDispatch, clause: "XDP", versions: versions("1.11-1.12"), effect: refuse,
		when: ipipWithoutXDP, say: text("DSR dispatch mode ipip currently only available under XDP acceleration"),
	}, {
		name: "ipip-xdp-1.13", row: rowIPIPDispatch, clause: "bpf-lb-acceleration != disabled",
		versions: versions("1.13-1.17"), effect: refuse,
		when: ipipWithoutXDP, say: text("DSR dispatch mode ipip currently only available under XDP acceleration"),
	}, {
		name: "ipip-xdp-1.18", row: rowIPIPDispatch, clause: "lb-only no longer asked, without XDP",
		versions: versions("1.18"),
		effect:   refuse,
		when: func(s *state) bool {
			return s.usesDSR() && s.dispatch() == "ipip" && s.acceleration == "disabled"
		},
		say: text("DSR dispatch mode ipip currently only available under XDP acceleration"),
	},
}

func ipipOutsideLBOnly(s *state) bool {
	return s.nodePort && s.lbMode == "dsr" && s.dispatch() == "ipip" && s.datapathMode != "lb-only"
}

func ipipWithoutXDP(s *state) bool {
	return s.nodePort && s.lbMode == "dsr" && s.dispatch() == "ipip" && s.acceleration == "disabled"
}

// xdpDrivers attach XDP programs natively, as the public lists of the kernel and of Cilium have it.
var xdpDrivers = []string{
	"atlantic", "bnxt_en", "bonding", "cavium", "cpsw", "dpaa2", "dpaa2-eth", "ena", "enetc", "fsl_dpaa2_eth", "gve",
	"hv_netvsc", "i40e", "iavf", "ice", "idpf", "igb", "igc", "ixgbe", "ixgbevf", "lan966x", "mana", "mlx4_core",
	"mlx4_en", "mlx5_core", "mlx5_en", "mtk_eth_soc", "mvneta", "mvpp2", "netsec", "nfp", "octeontx2", "qede", "sfc",
	"stmmac", "thunder-nic", "tsnep", "tun", "veth", "virtio_net", "xen-netfront",
}

// withoutXDP returns the devices whose driver cannot attach XDP natively.
func withoutXDP(devices []Device) []Device {
	return slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return slices.Contains(xdpDrivers, d.Driver) })
}

func names(devices []Device) string {
	out := make([]string, len(devices))
	for i, device := range devices {
		out[i] = device.Name
	}
	return strings.Join(out, ", ")
}

var accelerationRules = []rule{
	{
		name: "xdp-tunnel-1.11", row: rowXDPTunnel, versions: versions("1.11-1.12"), effect: refuse,
		when: func(s *state) bool { return s.nodePort && s.acceleration != "disabled" && s.tunnel != "" },
		say: text("Cannot use NodePort acceleration with tunneling. Either run cilium-agent with " +
			"--bpf-lb-acceleration=disabled or --tunnel=disabled"),
	}, {
		name: "xdp-tunnel-1.18", row: rowXDPTunnel, clause: "IPv6 underlay", versions: versions("1.18+"), effect: refuse,
		when: func(s *state) bool {
			return s.nodePort && s.acceleration != "disabled" && s.tunnel != "" && s.opt.text("underlay-protocol") == "ipv6"
		},
		say: text("Cannot use NodePort acceleration with tunneling over an IPv6 underlay"),
	}, {
		name: "xdp-driver", row: rowXDPDriver, clause: "native", versions: versions("all"), effect: refuse,
		when: func(s *state) bool {
			return s.nodePort && s.acceleration == "native" && len(withoutXDP(s.devices)) > 0
		},
		say: func(s *state) string {
			first := withoutXDP(s.devices)[0]
			return fmt.Sprintf("error while loading XDP program: attaching XDP program to interface %s "+
				"(driver %s): operation not supported", first.Name, first.Driver)
		},
	}, {
		name: "xdp-driver-best-effort", row: rowXDPDriver, clause: "best-effort skips the device",
		versions: versions("1.15+"),
		effect:   degrade,
		when: func(s *state) bool {
			return s.nodePort && s.acceleration == "best-effort" && len(withoutXDP(s.devices)) > 0
		},
		say: func(s *state) string {
			return "Failed to attach XDP program to device, ignoring due to best-effort mode: " + names(withoutXDP(s.devices))
		},
		change: func(s *state) {
			s.xdpDevices = slices.DeleteFunc(slices.Clone(s.devices), func(d Device) bool {
				return !slices.Contains(xdpDrivers, d.Driver)
			})
		},
	}, {
		name: "xdp-wireguard", row: rowXDPWireGuard, versions: versions("1.15+"), effect: warn,
		when: func(s *state) bool {
			return s.nodePort && s.acceleration != "disabled" && s.wireguard() && s.opt.on("encrypt-node")
		},
		say: text("With XDP acceleration the N/S load balancer traffic is not WireGuard encrypted on its " +
			"way to the backend node"),
	},
}
