// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"strconv"
	"strings"
)

// defaultValue is what an agent takes for a key that its cilium-config leaves out.
type defaultValue struct {
	key, value string
	versions   span
}

// agentDefaults: the "- [..]" values of the settings table, and the documented flag defaults of keys it does not list.
var agentDefaults = []defaultValue{
	{"tunnel", "vxlan", versions("1.11-1.13")},
	{"routing-mode", "tunnel", versions("1.14+")},
	{"tunnel-protocol", "vxlan", versions("1.14+")},
	{"underlay-protocol", "ipv4", versions("1.18+")},
	{"kube-proxy-replacement", "disabled", versions("1.11-1.13")},
	{"kube-proxy-replacement", "false", versions("1.14+")},
	{"enable-ipv4", "true", versions("all")},
	{"enable-ipv6", "true", versions("all")},
	{"enable-ipv4-masquerade", "true", versions("all")},
	{"enable-ipv6-masquerade", "true", versions("all")},
	{"enable-remote-node-identity", "true", versions("all")},
	{"bpf-lb-mode", "snat", versions("all")},
	{"bpf-lb-dsr-dispatch", "opt", versions("all")},
	{"bpf-lb-acceleration", "disabled", versions("all")},
	{"bpf-lb-algorithm", "random", versions("all")},
	{"bpf-lb-maglev-table-size", "16381", versions("all")},
	{"bpf-lb-maglev-hash-seed", "JLfvgnHc2kaSUFaI", versions("all")},
	{"node-port-range", "30000,32767", versions("all")},
	{"enable-auto-protect-node-port-range", "true", versions("all")},
	{"enable-k8s-terminating-endpoint", "true", versions("1.11-1.17")},
	{"enable-session-affinity", "true", versions("1.18+")},
	{"trace-sock", "true", versions("1.16+")},
	{"datapath-mode", "veth", versions("all")},
	{"enable-tcx", "true", versions("1.16+")},
	{"bpf-map-dynamic-size-ratio", "0.0", versions("all")},
	{"bpf-ct-global-tcp-max", "524288", versions("all")},
	{"bpf-ct-global-any-max", "262144", versions("all")},
	{"bpf-nat-global-max", "524288", versions("all")},
	{"bpf-neigh-global-max", "524288", versions("all")},
	{"bpf-policy-map-max", "16384", versions("all")},
	{"bpf-lb-map-max", "65536", versions("all")},
	{"bpf-sock-rev-map-max", "262144", versions("all")},
	{"bpf-auth-map-max", "524288", versions("1.14+")},
	{"bpf-node-map-max", "16384", versions("1.15+")},
	{"bpf-policy-stats-map-max", "65536", versions("1.18+")},
	{"cni-chaining-mode", "none", versions("all")},
	{"ipam", "cluster-pool", versions("all")},
	{"enable-endpoint-health-checking", "true", versions("all")},
	{"monitor-aggregation", "none", versions("all")},
}

// options answers what a key is worth: its text in cilium-config or else the default of the agent's version.
type options struct {
	version version
	given   map[string]string
}

// text takes an empty value for one that is left out.
func (o options) text(key string) string {
	if value := strings.TrimSpace(o.given[key]); value != "" {
		return value
	}
	for _, d := range agentDefaults {
		if d.key == key && d.versions.has(o.version) {
			return d.value
		}
	}
	return ""
}

// on reads a boolean; like the agent it takes what is no boolean for false.
func (o options) on(key string) bool {
	value, err := strconv.ParseBool(o.text(key))
	return err == nil && value
}

// number reads an integer; like the agent it takes what is no integer for 0.
func (o options) number(key string) int {
	value, err := strconv.Atoi(o.text(key))
	if err != nil {
		return 0
	}
	return value
}

// ratio is the share of memory that maps are sized by; 0 where the option names no share.
func (o options) ratio() float64 {
	value, err := strconv.ParseFloat(o.text("bpf-map-dynamic-size-ratio"), 64)
	if err != nil || !(0 < value && value <= 1) {
		return 0
	}
	return value
}

// list splits a value that names several things, separated by blanks or commas.
func (o options) list(key string) []string {
	return strings.FieldsFunc(o.text(key), func(r rune) bool { return r == ',' || r == ' ' })
}

// EffectiveConfig lays CiliumNodeConfig defaults over a cilium-config; a later override wins over an earlier one.
func EffectiveConfig(configMap map[string]string, overrides []map[string]string) map[string]string {
	effective := make(map[string]string, len(configMap))
	for key, value := range configMap {
		effective[key] = value
	}
	for _, override := range overrides {
		for key, value := range override {
			effective[key] = value
		}
	}
	return effective
}
