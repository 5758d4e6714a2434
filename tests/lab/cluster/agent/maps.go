// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

const nodeMemory = 8 << 30 // bytes of memory that a simulated node has; dynamic map sizes are a share of it

// bpfMap is a map of the status; its name came and went with the versions.
type bpfMap struct {
	name     string
	versions span
	size     func(*state) int
}

func fixed(size int) func(*state) int { return func(*state) int { return size } }

// sized is an option's size: as configured, else scaled with the dynamic ratio but never below least.
func sized(key string, least int) func(*state) int {
	return func(s *state) int {
		if s.opt.given[key] != "" || s.opt.ratio() == 0 {
			return s.opt.number(key)
		}
		return max(least, int(float64(s.opt.number(key))*s.opt.ratio()*nodeMemory/defaultMapBytes))
	}
}

// defaultMapBytes is the memory that the scaled maps take at their default sizes.
const defaultMapBytes = (524288+262144)*94 + 524288*94 + 524288*24 + 262144*52

// ofServices is the size of one of the load balancer's maps. Settings table, bpf_map_sizes (1.12+): each has an option of
// its own, where 0 stands for bpf-lb-map-max; 1.11 has that one alone.
func ofServices(key string) func(*state) int {
	return func(s *state) int {
		if own := s.opt.number(key); own > 0 && s.version.atLeast(12) {
			return own
		}
		return s.opt.number("bpf-lb-map-max")
	}
}

func translated(s *state) int {
	if s.natMapMax != defaultNATMapMax {
		return s.natMapMax
	}
	return sized("bpf-nat-global-max", 131072)(s)
}

var bpfMaps = []bpfMap{
	{"Auth", versions("1.14+"), sized("bpf-auth-map-max", 524288)},
	{"Non-TCP connection tracking", versions("all"), sized("bpf-ct-global-any-max", 65536)},
	{"TCP connection tracking", versions("all"), sized("bpf-ct-global-tcp-max", 131072)},
	{"Endpoints", versions("1.18+"), fixed(65535)},
	{"Endpoint policy", versions("1.11-1.17"), fixed(65535)},
	{"Events", versions("1.11-1.16"), fixed(2)},
	{"IP cache", versions("all"), fixed(512000)},
	{"IP masquerading agent", versions("1.11-1.13"), fixed(16384)},
	{"IPv4 masquerading agent", versions("1.14+"), fixed(16384)},
	{"IPv6 masquerading agent", versions("1.14+"), fixed(16384)},
	{"IPv4 fragmentation", versions("all"), fixed(8192)},
	{"IPv4 service", versions("all"), ofServices("bpf-lb-service-map-max")},
	{"IPv6 service", versions("all"), ofServices("bpf-lb-service-map-max")},
	{"IPv4 service backend", versions("all"), ofServices("bpf-lb-service-backend-map-max")},
	{"IPv6 service backend", versions("all"), ofServices("bpf-lb-service-backend-map-max")},
	{"IPv4 service reverse NAT", versions("all"), ofServices("bpf-lb-rev-nat-map-max")},
	{"IPv6 service reverse NAT", versions("all"), ofServices("bpf-lb-rev-nat-map-max")},
	{"Metrics", versions("all"), fixed(1024)},
	{"Ratelimit metrics", versions("1.17+"), fixed(64)},
	{"NAT", versions("all"), translated},
	{"Neighbor table", versions("all"), sized("bpf-neigh-global-max", 131072)},
	{"Endpoint policy", versions("1.18+"), func(s *state) int { return s.opt.number("bpf-policy-map-max") }},
	{"Policy stats", versions("1.18+"), func(s *state) int { return s.opt.number("bpf-policy-stats-map-max") }},
	{"Global policy", versions("1.11-1.17"), func(s *state) int { return s.opt.number("bpf-policy-map-max") }},
	{"Session affinity", versions("all"), ofServices("bpf-lb-affinity-map-max")},
	{"Signal", versions("1.11-1.16"), fixed(2)},
	{"Sockmap", versions("1.11-1.16"), fixed(65535)},
	{"Sock reverse NAT", versions("all"), sized("bpf-sock-rev-map-max", 65536)},
	{"Tunnel", versions("1.11-1.16"), fixed(65536)},
}

// mapsOf lists the maps that the agent's version has.
func mapsOf(s *state) []bpfMap {
	var list []bpfMap
	for _, m := range bpfMaps {
		if m.versions.has(s.version) {
			list = append(list, m)
		}
	}
	return list
}
