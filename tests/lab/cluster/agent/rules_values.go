// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	rowReplacementValues  = "KPR values"
	rowReplacementKernel  = "KPR strict + kernel"
	rowAccelerationValues = "bpf-lb-acceleration values"
	rowMaglev             = "maglev table size"
	rowPortRange          = "nodeport range vs ip_local_port_range"
	rowDSRSetting         = "settings table, dsr: allowed"
	rowRoutingSetting     = "settings table, native_routing: allowed"
	rowAlgorithmSetting   = "settings table, maglev: allowed"
	rowDatapathSetting    = "settings table, netkit and datapath_lb_only: allowed"
)

var maglevSizes = []string{"251", "509", "1021", "2039", "4093", "8191", "16381", "32749", "65521", "131071"}

// outside returns a predicate: the option's value is none of the allowed ones.
func outside(key string, allowed ...string) func(*state) bool {
	return func(s *state) bool { return !slices.Contains(allowed, s.opt.text(key)) }
}

// outsideLB is outside for an option that is looked at with the load balancer only.
func outsideLB(key string, allowed ...string) func(*state) bool {
	bad := outside(key, allowed...)
	return func(s *state) bool { return s.readsLoadBalancerOptions() && bad(s) }
}

func invalid(key string) func(*state) string {
	return func(s *state) string { return fmt.Sprintf("Invalid value for --%s: %s", key, s.opt.text(key)) }
}

// ofMaglev: table and seed are looked at when Maglev may be used.
func ofMaglev(s *state) bool {
	return s.readsLoadBalancerOptions() &&
		(s.opt.text("bpf-lb-algorithm") == "maglev" || s.version.atLeast(17) && s.opt.on("bpf-lb-algorithm-annotation"))
}

func badMaglevSeed(s *state) bool {
	seed, err := base64.StdEncoding.DecodeString(s.opt.text("bpf-lb-maglev-hash-seed"))
	return ofMaglev(s) && (err != nil || len(seed) != 12)
}

// nodePortRange returns the two ends of the range, and whether the option names a range.
func nodePortRange(s *state) (from, to int, ok bool) {
	first, last, _ := strings.Cut(s.opt.text("node-port-range"), ",")
	from, err1 := strconv.Atoi(strings.TrimSpace(first))
	to, err2 := strconv.Atoi(strings.TrimSpace(last))
	return from, to, err1 == nil && err2 == nil && 0 < from && from < to && to < 65536
}

// inLocalPorts compares with the kernel's own ip_local_port_range, 32768 to 60999, nothing of it reserved.
func inLocalPorts(s *state) bool {
	from, to, ok := nodePortRange(s)
	return s.nodePort && ok && from <= 60999 && to >= 32768 && !s.opt.on("enable-auto-protect-node-port-range")
}

var valueRules = []rule{
	{
		name: "kpr-value-1.11", row: rowReplacementValues, versions: versions("1.11-1.12"), effect: refuse,
		when: outside("kube-proxy-replacement", "strict", "partial", "probe", "disabled"),
		say:  invalid("kube-proxy-replacement"),
	}, {
		name: "kpr-value-1.13", row: rowReplacementValues, versions: versions("1.13"), effect: refuse,
		when: outside("kube-proxy-replacement", "strict", "partial", "disabled"),
		say:  invalid("kube-proxy-replacement"),
	}, {
		name: "kpr-value-1.14", row: rowReplacementValues, versions: versions("1.14-1.15"), effect: refuse,
		when: outside("kube-proxy-replacement", "strict", "partial", "disabled", "true", "false"),
		say:  invalid("kube-proxy-replacement"),
	}, {
		name: "kpr-value-deprecated", row: rowReplacementValues, clause: "old ones warn",
		versions: versions("1.14-1.15"), effect: warn,
		when: func(s *state) bool { return s.kprSetting != "true" && s.kprSetting != "false" },
		say: func(s *state) string {
			return fmt.Sprintf("Deprecated value for --kube-proxy-replacement: %s (use either \"true\", or \"false\")", s.kprSetting)
		},
	}, {
		name: "kpr-value-1.16", row: rowReplacementValues, versions: versions("1.16+"), effect: refuse,
		when: outside("kube-proxy-replacement", "true", "false"),
		say:  invalid("kube-proxy-replacement"),
	}, {
		name: "lb-mode-value", row: rowDSRSetting, clause: "loadBalancer.mode", versions: versions("all"), effect: refuse,
		when: outsideLB("bpf-lb-mode", "snat", "dsr", "hybrid"),
		say:  invalid("bpf-lb-mode"),
	}, {
		name: "lb-algorithm-value", row: rowAlgorithmSetting, clause: "loadBalancer.algorithm", versions: versions("all"),
		effect: refuse,
		when:   outsideLB("bpf-lb-algorithm", "random", "maglev"),
		say:    invalid("bpf-lb-algorithm"),
	}, {
		name: "acceleration-value-1.11", row: rowAccelerationValues, versions: versions("1.11-1.14"), effect: refuse,
		when: outsideLB("bpf-lb-acceleration", "disabled", "native", "testing-only"),
		say:  invalid("bpf-lb-acceleration"),
	}, {
		name: "acceleration-value-1.15", row: rowAccelerationValues, versions: versions("1.15+"), effect: refuse,
		when: outsideLB("bpf-lb-acceleration", "disabled", "native", "testing-only", "best-effort"),
		say:  invalid("bpf-lb-acceleration"),
	}, {
		name: "maglev-size", row: rowMaglev, clause: "one of the 10 primes", versions: versions("all"), effect: refuse,
		when: func(s *state) bool { return ofMaglev(s) && outside("bpf-lb-maglev-table-size", maglevSizes...)(s) },
		say: func(s *state) string {
			return fmt.Sprintf("Invalid value for --bpf-lb-maglev-table-size: %s, supported values are: %s",
				s.opt.text("bpf-lb-maglev-table-size"), strings.Join(maglevSizes, ", "))
		},
	}, {
		name: "maglev-seed", row: rowMaglev, clause: "hash seed of 12 bytes", versions: versions("all"), effect: refuse,
		when: badMaglevSeed,
		say: func(s *state) string {
			return fmt.Sprintf("Failed to initialize maglev hash seeds: decoded hash seed %q is not 12 bytes in base64",
				s.opt.text("bpf-lb-maglev-hash-seed"))
		},
	}, {
		name: "tunnel-value", row: rowRoutingSetting, clause: "tunnel", versions: versions("1.11-1.13"), effect: refuse,
		when: outside("tunnel", "vxlan", "geneve", "disabled"),
		say:  invalid("tunnel"),
	}, {
		name: "routing-mode-value", row: rowRoutingSetting, clause: "routingMode",
		versions: versions("1.14+"), effect: refuse,
		when: outside("routing-mode", "native", "tunnel"),
		say: func(s *state) string {
			return fmt.Sprintf("invalid routing mode %q, valid modes = [native tunnel]", s.opt.text("routing-mode"))
		},
	}, {
		name: "tunnel-protocol-value", row: rowRoutingSetting, clause: "tunnelProtocol", versions: versions("1.14+"),
		effect: refuse,
		when:   outside("tunnel-protocol", "vxlan", "geneve"),
		say: func(s *state) string {
			return fmt.Sprintf("invalid tunnel protocol %q", s.opt.text("tunnel-protocol"))
		},
	}, {
		name: "datapath-mode-1.11", row: rowDatapathSetting, versions: versions("1.11-1.15"), effect: refuse,
		when: outside("datapath-mode", "veth", "lb-only"), say: invalidDatapath,
	}, {
		name: "datapath-mode-1.16", row: rowDatapathSetting, versions: versions("1.16-1.17"), effect: refuse,
		when: outside("datapath-mode", "veth", "netkit", "netkit-l2", "lb-only"), say: invalidDatapath,
	}, {
		name: "datapath-mode-1.18", row: rowDatapathSetting, versions: versions("1.18-1.19"), effect: refuse,
		when: outside("datapath-mode", "veth", "netkit", "netkit-l2"), say: invalidDatapath,
	}, {
		name: "datapath-mode-1.20", row: rowDatapathSetting, versions: versions("1.20"), effect: refuse,
		when: outside("datapath-mode", "auto", "veth", "netkit", "netkit-l2"), say: invalidDatapath,
	}, {
		name: "node-port-range-value", row: rowPortRange, clause: "a range at all",
		versions: versions("all"), effect: refuse,
		when: func(s *state) bool { _, _, ok := nodePortRange(s); return s.nodePort && !ok },
		say: func(s *state) string {
			return fmt.Sprintf("Unable to parse min/max port value for NodePort range: %s", s.opt.text("node-port-range"))
		},
	}, {
		name: "node-port-range", row: rowPortRange, clause: "with the kernel's default range, nothing reserved",
		versions: versions("all"), effect: refuse,
		when: inLocalPorts,
		say: func(s *state) string {
			return fmt.Sprintf("NodePort port range (%s) clashes with ephemeral port range (32768-60999) "+
				"and --enable-auto-protect-node-port-range is off", s.opt.text("node-port-range"))
		},
	},
}

func invalidDatapath(s *state) string {
	return fmt.Sprintf("Invalid datapath mode: %s", s.opt.text("datapath-mode"))
}

// replacementKernelRules come before those of the base kernels, which would hide them.
var replacementKernelRules = []rule{
	{
		name: "kpr-kernel-tcp", row: rowReplacementKernel, clause: "TCP", versions: versions("1.13"), effect: refuse,
		when: func(s *state) bool { return s.kprSetting == "strict" && s.kernel.older("4.17") },
		say:  text("BPF NodePort services needs kernel 4.17.0 or newer."),
	}, {
		name: "kpr-kernel-udp", row: rowReplacementKernel, clause: "UDP cgroup hooks", versions: versions("1.13"),
		effect: refuse,
		when: func(s *state) bool {
			return s.kprSetting == "strict" && s.kernel.older("4.19.57") && !s.kernel.rhel8()
		},
		say: text("BPF host reachable services for UDP needs kernel 4.19.57, 5.1.16, 5.2.0 or newer."),
	},
}
