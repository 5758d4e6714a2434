// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// runningOption is a field of the agent's DaemonConfig, under its Go name.
type runningOption struct {
	name     string
	versions span
	value    func(*state) any
}

func flag(key string) func(*state) any   { return func(s *state) any { return s.opt.on(key) } }
func word(key string) func(*state) any   { return func(s *state) any { return s.opt.text(key) } }
func number(key string) func(*state) any { return func(s *state) any { return s.opt.number(key) } }

func tunnelOption(s *state) any {
	if s.tunnel == "" {
		return "disabled"
	}
	return s.tunnel
}

func routingMode(s *state) any {
	if s.tunnel == "" {
		return "native"
	}
	return "tunnel"
}

// runningOptions show what runs, after every degradation. Options of the load balancer left DaemonConfig in 1.18.
var runningOptions = []runningOption{
	{"Tunnel", versions("1.11-1.13"), tunnelOption},
	{"RoutingMode", versions("1.14+"), routingMode},
	{"TunnelProtocol", versions("1.14+"), func(s *state) any { return s.tunnelProtocol }},
	{"NodePortMode", versions("1.11-1.17"), func(s *state) any { return s.lbMode }},
	{"NodePortAlg", versions("1.11-1.17"), word("bpf-lb-algorithm")},
	{"NodePortAcceleration", versions("1.11-1.17"), word("bpf-lb-acceleration")},
	{"LoadBalancerDSRDispatch", versions("1.11-1.17"), word("bpf-lb-dsr-dispatch")},
	{"LoadBalancerModeAnnotation", versions("1.17"), flag("bpf-lb-mode-annotation")},
	{"EnableNodePort", versions("1.11-1.18"), func(s *state) any { return s.nodePort }},
	{"KubeProxyReplacement", versions("1.11-1.18"), word("kube-proxy-replacement")},
	{"EnableIPv4", versions("all"), flag("enable-ipv4")},
	{"EnableIPv6", versions("all"), flag("enable-ipv6")},
	{"EnableIPv4Masquerade", versions("all"), func(s *state) any { return s.masquerade4 }},
	{"EnableIPv6Masquerade", versions("all"), func(s *state) any { return s.masquerade6 }},
	{"EnableBPFMasquerade", versions("all"), func(s *state) any { return s.bpfMasquerade }},
	{"EnableHostLegacyRouting", versions("all"), func(s *state) any { return !s.bpfHostRouting }},
	{"EnableAutoDirectRouting", versions("all"), flag("auto-direct-node-routes")},
	{"InstallNoConntrackIptRules", versions("all"), flag(noTrack)},
	{"EnableBandwidthManager", versions("all"), func(s *state) any { return s.bandwidth }},
	{"EnableBBR", versions("1.12+"), func(s *state) any { return s.bbr }},
	{"DatapathMode", versions("all"), func(s *state) any { return s.datapathMode }},
	{"EnableTCX", versions("1.16+"), func(s *state) any { return s.tcx }},
	{"Devices", versions("1.11-1.14"), func(s *state) any { return deviceNames(s.devices) }},
	{"DirectRoutingDevice", versions("1.11-1.15"), func(s *state) any { return s.directRoutingDevice() }},
	{"EnableIPSec", versions("all"), flag("enable-ipsec")},
	{"EnableWireguard", versions("all"), flag("enable-wireguard")},
	{"EnableHubble", versions("1.11-1.16"), flag("enable-hubble")},
	{"PreAllocateMaps", versions("all"), flag("preallocate-bpf-maps")},
	{"BPFMapsDynamicSizeRatio", versions("all"), func(s *state) any { return s.opt.ratio() }},
	{"BPFDistributedLRU", versions("1.17+"), flag("bpf-distributed-lru")},
	{"CTMapEntriesGlobalTCP", versions("all"), number("bpf-ct-global-tcp-max")},
	{"CTMapEntriesGlobalAny", versions("all"), number("bpf-ct-global-any-max")},
	{"NATMapEntriesGlobal", versions("all"), func(s *state) any { return translated(s) }},
	{"MonitorAggregation", versions("all"), word("monitor-aggregation")},
	{"IPAM", versions("all"), word("ipam")},
	{"ClusterName", versions("all"), word("cluster-name")},
}

func (s *state) readOnly() map[string]any {
	options := map[string]any{}
	for _, o := range runningOptions {
		if o.versions.has(s.version) {
			options[o.name] = o.value(s)
		}
	}
	return options
}

// mutable options can be changed while the agent runs.
func (s *state) mutable() map[string]any {
	return map[string]any{
		"ConntrackAccounting":       "Enabled",
		"Debug":                     onOff(s.opt.on("debug")),
		"DropNotification":          "Enabled",
		"MonitorAggregationLevel":   capital(s.opt.text("monitor-aggregation")),
		"PolicyAuditMode":           onOff(s.opt.on("policy-audit-mode")),
		"PolicyVerdictNotification": "Enabled",
		"TraceNotification":         "Enabled",
	}
}

// config prints the options: -r those of the start, -a these and the mutable ones, else the mutable ones.
func (a *Agent) config(c command, out io.Writer) int {
	all := c.flags["-a"] || c.flags["--all"]
	options := map[string]any{}
	if all || c.flags["-r"] || c.flags["--read-only"] {
		maps.Copy(options, a.state.readOnly())
	}
	if all || len(options) == 0 {
		maps.Copy(options, a.state.mutable())
	}
	if c.json {
		if writeJSON(out, options) != nil {
			return 1
		}
		return 0
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		fmt.Fprintf(out, "%-34s: %v\n", name, options[name])
	}
	return 0
}
