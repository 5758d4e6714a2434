// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

func (s *state) replacementJSON() object {
	o := object{"mode": capital(s.kprSetting), "features": s.featuresJSON()}
	if !s.replaces() {
		return o
	}
	list := make([]object, len(s.devices))
	for i, device := range s.devices {
		list[i] = object{"name": device.Name, "ip": s.deviceIPs(device)}
	}
	o["deviceList"], o["devices"] = list, deviceNames(s.devices)
	return o.with("directRoutingDevice", s.directRoutingDevice())
}

func (s *state) featuresJSON() object {
	features := object{
		"externalIPs":     enabled(s.externalIPs),
		"hostPort":        enabled(s.hostPort),
		"nodePort":        s.nodePortJSON(),
		"sessionAffinity": enabled(s.sessionAffinity),
	}
	if !s.version.atLeast(18) {
		features["gracefulTermination"] = enabled(s.opt.on("enable-k8s-terminating-endpoint"))
	}
	s.addSocketFeatures(features)
	if s.version.atLeast(12) {
		features["nat46X64"] = s.nat46JSON()
	}
	if list := s.annotations(); s.version.atLeast(17) && len(list) > 0 {
		features["annotations"] = list
	}
	return features
}

func (s *state) addSocketFeatures(features object) {
	if !s.version.atLeast(12) {
		services := enabled(s.socketLB)
		if s.socketLB {
			services["protocols"] = []string{"TCP", "UDP"}
		}
		features["hostReachableServices"] = services
		return
	}
	features["socketLB"] = enabled(s.socketLB)
	features.with("bpfSocketLBHostnsOnly", s.hostnsOnly)
	if s.version.atLeast(13) {
		features["socketLBTracing"] = enabled(s.socketLBTracing)
	}
}

func (s *state) nodePortJSON() object {
	if !s.nodePort {
		return object{}
	}
	from, to, _ := nodePortRange(s)
	o := object{"enabled": true, "mode": s.nodePortMode(), "algorithm": capital(s.opt.text("bpf-lb-algorithm")),
		"acceleration": s.accelerationWord(), "portMin": from, "portMax": to}
	if o["algorithm"] == "Maglev" {
		o["lutSize"] = s.opt.number("bpf-lb-maglev-table-size")
	}
	if s.version.atLeast(15) {
		o["dsrMode"] = s.dispatchWord()
	}
	return o
}

func (s *state) nat46JSON() object {
	o := enabled(s.nat46Service || s.nat46Gateway)
	if !s.version.atLeast(13) {
		return o
	}
	gateway := enabled(s.nat46Gateway)
	if s.nat46Gateway {
		gateway["prefixes"] = []string{nat64Prefix}
	}
	o["service"], o["gateway"] = enabled(s.nat46Service), gateway
	return o
}
