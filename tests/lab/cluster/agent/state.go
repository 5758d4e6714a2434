// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import "strings"

// state is what an agent runs with: what its options ask for, less what the rules took away.
type state struct {
	version version
	kernel  kernel
	node    string
	opt     options
	devices []Device // those that the devices option selects

	kprSetting      string // as configured, lower case
	kprFull         bool
	nodePort        bool
	hostPort        bool
	externalIPs     bool
	sessionAffinity bool
	socketLB        bool
	socketLBTracing bool
	hostnsOnly      bool

	lbMode       string
	acceleration string
	xdpDevices   []Device
	nat46Service bool
	nat46Gateway bool

	tunnel         string // "" = native routing, else the encapsulation
	tunnelProtocol string
	masquerade4    bool
	masquerade6    bool
	bpfMasquerade  bool
	bpfHostRouting bool

	bandwidth bool
	bbr       bool
	bigTCP4   bool
	bigTCP6   bool

	datapathMode string
	tcx          bool
	natMapMax    int

	log []string
}

func newState(v version, k kernel, in Input) *state {
	s := &state{version: v, kernel: k, node: in.Host.NodeName, opt: options{v, in.Config}}
	s.devices = selectDevices(in.Host.Devices, s.opt.list("devices"))
	s.wantServices()
	s.wantLoadBalancing()
	s.wantRouting()
	s.wantTraffic()
	return s
}

// wantServices turns the kube-proxy replacement's setting into the features it stands for.
func (s *state) wantServices() {
	s.kprSetting = strings.ToLower(s.opt.text("kube-proxy-replacement"))
	s.kprFull = s.kprSetting == "strict" || s.kprSetting == "true"
	s.nodePort = s.partly("enable-node-port", "1.11-1.18")
	s.hostPort = s.nodePort && s.partly("enable-host-port", "1.11-1.17")
	s.externalIPs = s.nodePort && s.partly("enable-external-ips", "1.11-1.17")
	s.sessionAffinity = s.partly("enable-session-affinity", "1.11-1.17")
	s.socketLB = s.partly("bpf-lb-sock", "1.12+") || s.partly("enable-host-reachable-services", "1.11")
	s.socketLBTracing = s.socketLB && s.version.atLeast(13) && (s.version.atLeast(16) && s.opt.on("trace-sock") ||
		!s.version.atLeast(16))
	s.hostnsOnly = s.opt.on("bpf-lb-sock-hostns-only")
}

// partly tells whether one feature of the replacement is on: with all of it, or by its own key while agents had one.
func (s *state) partly(key, known string) bool {
	switch s.kprSetting {
	case "strict", "true":
		return true
	case "probe":
		return s.version.before(version{1, 13, 0})
	case "disabled":
		return false
	}
	return versions(known).has(s.version) && s.opt.on(key)
}

func (s *state) wantLoadBalancing() {
	s.lbMode = s.opt.text("bpf-lb-mode")
	s.acceleration = s.opt.text("bpf-lb-acceleration")
	if s.nodePort && s.acceleration != "disabled" {
		s.xdpDevices = s.devices
	}
	s.nat46Gateway = s.version.atLeast(12) && s.opt.on("enable-nat46x64-gateway")
	dualStack := s.opt.on("enable-ipv4") && s.opt.on("enable-ipv6")
	s.nat46Service = s.nodePort && dualStack && (s.version.atLeast(13) && !s.version.atLeast(18) || s.nat46Gateway)
}

func (s *state) wantRouting() {
	s.tunnel, s.tunnelProtocol = s.encapsulation()
	s.masquerade4 = s.opt.on("enable-ipv4") && s.opt.on("enable-ipv4-masquerade")
	s.masquerade6 = s.opt.on("enable-ipv6") && s.opt.on("enable-ipv6-masquerade")
	s.bpfMasquerade = s.opt.on("enable-bpf-masquerade")
	s.bpfHostRouting = !s.opt.on("enable-host-legacy-routing")
}

// encapsulation returns the tunnel in use ("" = none) and the protocol that a tunnel would use.
func (s *state) encapsulation() (tunnel, protocol string) {
	old := s.opt.text("tunnel")
	if !s.version.atLeast(14) || s.version.before(version{1, 15, 0}) && s.opt.given["routing-mode"] == "" && old != "" {
		if old == "disabled" {
			return "", "vxlan"
		}
		return old, old
	}
	protocol = s.opt.text("tunnel-protocol")
	if s.opt.text("routing-mode") == "tunnel" {
		tunnel = protocol
	}
	return tunnel, protocol
}

func (s *state) wantTraffic() {
	s.bandwidth = s.opt.on("enable-bandwidth-manager")
	s.bbr = s.bandwidth && s.version.atLeast(12) && s.opt.on("enable-bbr")
	s.bigTCP6 = s.version.atLeast(13) && s.opt.on("enable-ipv6") && s.opt.on("enable-ipv6-big-tcp")
	s.bigTCP4 = s.version.atLeast(14) && s.opt.on("enable-ipv4") && s.opt.on("enable-ipv4-big-tcp")
	s.datapathMode = s.opt.text("datapath-mode")
	s.tcx = s.version.atLeast(16) && s.opt.on("enable-tcx")
	s.natMapMax = s.opt.number("bpf-nat-global-max")
}

func (s *state) masquerading() bool { return s.masquerade4 || s.masquerade6 }
func (s *state) ipsec() bool        { return s.opt.on("enable-ipsec") }
func (s *state) wireguard() bool    { return s.opt.on("enable-wireguard") }
func (s *state) dispatch() string   { return s.opt.text("bpf-lb-dsr-dispatch") }
func (s *state) netkit() bool       { return strings.HasPrefix(s.datapathMode, "netkit") }
func (s *state) bigTCP() bool       { return s.bigTCP4 || s.bigTCP6 }

// byAnnotation tells whether a service's annotation may choose its forwarding mode.
func (s *state) byAnnotation() bool {
	return s.version.atLeast(17) && s.opt.on("bpf-lb-mode-annotation")
}

// usesDSR tells whether this agent may answer or send DSR: by its mode or by a service's annotation.
func (s *state) usesDSR() bool {
	return s.nodePort && (s.lbMode == "dsr" || s.lbMode == "hybrid" || s.byAnnotation())
}

// readsLoadBalancerOptions: up to 1.17 they are looked at with NodePort only, from 1.18 always.
func (s *state) readsLoadBalancerOptions() bool { return s.nodePort || s.version.atLeast(18) }

// directRoutingDevice is the named one, or the first that has an address.
func (s *state) directRoutingDevice() string {
	if name := s.opt.text("direct-routing-device"); name != "" {
		return name
	}
	for _, device := range s.devices {
		if device.IP != "" {
			return device.Name
		}
	}
	return ""
}

// selectDevices keeps the devices that a pattern names ("eth0", "eth+"); no patterns: all of them.
func selectDevices(all []Device, patterns []string) []Device {
	if len(patterns) == 0 {
		return all
	}
	var selected []Device
	for _, device := range all {
		for _, pattern := range patterns {
			prefix, wild := strings.CutSuffix(pattern, "+")
			if device.Name == pattern || wild && strings.HasPrefix(device.Name, prefix) {
				selected = append(selected, device)
				break
			}
		}
	}
	return selected
}
