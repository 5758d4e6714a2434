// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"encoding/json"
	"io"
	"time"
)

// object is a JSON object of the API. Its models leave out what is false, 0 or empty: see with.
type object map[string]any

// with adds a field unless its value is one that the API's models leave out.
func (o object) with(name string, value any) object {
	switch v := value.(type) {
	case bool:
		if !v {
			return o
		}
	case string:
		if v == "" {
			return o
		}
	case int:
		if v == 0 {
			return o
		}
	}
	o[name] = value
	return o
}

func enabled(on bool) object { return object{}.with("enabled", on) }

func condition(state, message string) object {
	return object{}.with("state", state).with("msg", message)
}

// writeJSON prints what a command's `-o json` prints.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// statusJSON is the StatusResponse of the agent's version.
func (a *Agent) statusJSON(health string) object {
	s := a.state
	status := object{
		"bandwidth-manager":      s.bandwidthJSON(),
		"bpf-maps":               s.mapsJSON(),
		"cilium":                 condition(s.condition(health)),
		"clock-source":           s.clockJSON(),
		"cluster":                s.clusterJSON(),
		"controllers":            a.controllersJSON(),
		"encryption":             s.encryptionJSON(),
		"host-firewall":          s.firewallJSON(),
		"hubble":                 a.hubbleJSON(),
		"identity-range":         object{"max-identity": 65535, "min-identity": 256},
		"ipam":                   s.ipamJSON(),
		"kube-proxy-replacement": s.replacementJSON(),
		"kubernetes":             s.kubernetesJSON(health),
		"masquerading":           s.masqueradingJSON(),
		"nodeMonitor":            object{"cpus": 2, "npages": 64, "pagesize": 4096},
		"proxy":                  s.proxyJSON(),
	}
	s.addVersioned(status)
	a.addStale(status, health)
	return status
}

// addVersioned adds the fields that came or went with a version.
func (s *state) addVersioned(status object) {
	v := s.version
	status["kvstore"] = condition("Ok", "Disabled")
	if v.atLeast(12) {
		status["cni-chaining"] = object{"mode": s.opt.text("cni-chaining-mode")}
	}
	if v.atLeast(13) {
		status["cni-file"] = condition("Ok", cniMessage)
		status["ipv6-big-tcp"] = s.bigTCPJSON(s.bigTCP6)
	}
	if v.atLeast(14) {
		status["ipv4-big-tcp"] = s.bigTCPJSON(s.bigTCP4)
	}
	if v.atLeast(15) {
		status["srv6"] = enabled(s.opt.on("enable-srv6"))
	}
	if !v.atLeast(16) {
		status["host-routing"] = object{"mode": s.hostRouting()}
	} else {
		s.addRouting(status)
	}
	if v.atLeast(17) {
		status["kvstore"] = condition("Disabled", "")
	}
	if v.atLeast(18) {
		status["hubble-metrics"] = condition(s.hubbleMetrics(), "")
	}
	if v.atLeast(20) {
		status["configured-datapath-mode"] = s.opt.text("datapath-mode")
	}
}

func (s *state) addRouting(status object) {
	routing := object{"inter-host-routing-mode": "Native", "intra-host-routing-mode": s.hostRouting()}
	if s.tunnel != "" {
		routing["inter-host-routing-mode"] = "Tunnel"
		routing["tunnel-protocol"] = s.tunnel
	}
	status["routing"] = routing
	status["datapath-mode"] = s.datapathMode
	status["attach-mode"] = "tc"
	if s.tcx {
		status["attach-mode"] = "tcx"
	}
}

func (a *Agent) addStale(status object, health string) {
	if word, _ := a.state.condition(health); word == "Warning" {
		status["stale"] = object{staleProbe: a.staleSince()}
	}
}

func (s *state) kubernetesJSON(health string) object {
	word, message := kubernetesCondition(health)
	return condition(word, message).with("k8s-api-versions", s.apis())
}

func (s *state) bandwidthJSON() object {
	o := enabled(s.bandwidth)
	if s.bandwidth {
		o["devices"] = deviceNames(s.devices)
		if s.version.atLeast(12) {
			o["congestionControl"] = s.congestionControl()
		}
	}
	return o
}

func deviceNames(devices []Device) []string {
	list := make([]string, len(devices))
	for i, device := range devices {
		list[i] = device.Name
	}
	return list
}

func (s *state) bigTCPJSON(on bool) object {
	o := enabled(on)
	if on && s.version.atLeast(14) {
		o["maxGRO"], o["maxGSO"] = bigTCPSize, bigTCPSize
	}
	return o
}

func (s *state) mapsJSON() object {
	var list []object
	for _, m := range mapsOf(s) {
		list = append(list, object{"name": m.name}.with("size", m.size(s)))
	}
	o := object{"maps": list}
	if ratio := s.opt.ratio(); ratio != 0 {
		o["dynamic-size-ratio"] = ratio
	}
	return o
}

func (s *state) clockJSON() object {
	if s.jiffies() {
		return object{"mode": "jiffies", "hertz": kernelHertz}
	}
	return object{"mode": "ktime"}
}

// fullName is how nodes are called in a mesh of clusters.
func (s *state) fullName(node string) string {
	name := s.opt.text("cluster-name")
	if name == "" {
		name = "default"
	}
	return name + "/" + node
}

func (s *state) clusterJSON() object {
	self := s.fullName(s.node)
	cluster := object{"nodes": []object{{"name": self}}, "self": self}
	if s.probesHealth() {
		cluster["ciliumHealth"] = condition("Ok", "")
	}
	return cluster
}

func (a *Agent) controllersJSON() []object {
	list := make([]object, len(controllers))
	for i, name := range controllers {
		list[i] = object{"name": name, "status": object{"last-success-timestamp": a.started.UTC().Format(time.RFC3339Nano),
			"success-count": 1}}
	}
	return list
}

func (s *state) encryptionJSON() object {
	o := object{"mode": s.encryption()}
	if s.encryption() != "Wireguard" {
		return o
	}
	device := object{"name": wireguardIf, "public-key": publicKey, "listen-port": 51871}
	wireguard := object{"interfaces": []object{device}}
	if s.version.atLeast(14) {
		wireguard["node-encryption"] = onOff(s.opt.on("encrypt-node"))
	}
	return o.with("wireguard", wireguard)
}

func (s *state) firewallJSON() object {
	if !s.opt.on("enable-host-firewall") {
		return object{"mode": "Disabled"}
	}
	return object{"mode": "Enabled", "devices": deviceNames(s.devices)}
}

func (a *Agent) hubbleJSON() object {
	if !a.state.opt.on("enable-hubble") {
		return object{"state": "Disabled"}
	}
	current, seen, uptime := a.flows()
	o := condition("Ok", "")
	o["observer"] = object{"current-flows": current, "max-flows": maxFlows, "seen-flows": seen, "uptime": uptime}
	if !a.state.version.atLeast(18) {
		o["metrics"] = condition(a.state.hubbleMetrics(), "")
	}
	return o
}

func (s *state) ipamJSON() object {
	router, health := s.podIP(12), s.podIP(57)
	o := object{"status": s.addresses()}
	if s.opt.on("enable-ipv4") {
		o["allocations"] = object{router: "router", health: "health"}
		o["ipv4"] = []string{router, health}
	}
	return o
}

func (s *state) masqueradingJSON() object {
	protocols := object{}.with("ipv4", s.masquerade4).with("ipv6", s.masquerade6)
	o := object{"enabledProtocols": protocols}.with("enabled", s.masquerading())
	switch {
	case !s.masquerading():
	case !s.bpfMasquerade:
		o["mode"] = "iptables"
	default:
		o["mode"] = "BPF"
		o.with("ip-masq-agent", s.opt.on("enable-ip-masq-agent"))
		o["snat-exclusion-cidr-v4"] = s.notMasqueraded()
		o.with("snat-exclusion-cidr-v6", s.notMasqueraded6())
	}
	return o
}

func (s *state) proxyJSON() object {
	o := object{"ip": s.podIP(12), "port-range": "10000-20000"}
	if s.version.atLeast(14) {
		o["envoy-deployment-mode"] = s.envoy()
	}
	return o
}
