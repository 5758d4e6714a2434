// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"strings"
)

func (p *printer) traffic() {
	s := p.state
	if s.version.atLeast(14) {
		p.line("IPv4 BIG TCP:\t%s", p.bigTCP(s.bigTCP4))
	}
	if s.version.atLeast(13) {
		p.line("IPv6 BIG TCP:\t%s", p.bigTCP(s.bigTCP6))
	}
	p.line("BandwidthManager:\t%s", p.bandwidthManager())
	if !s.version.atLeast(16) {
		p.line("Host Routing:\t%s", s.hostRouting())
		return
	}
	network := "Native"
	if s.tunnel != "" {
		network = "Tunnel [" + s.tunnel + "]"
	}
	p.line("Routing:\tNetwork: %s\tHost: %s", network, s.hostRouting())
	attach := "Legacy TC"
	if s.tcx {
		attach = "TCX"
	}
	p.line("Attach Mode:\t%s", attach)
	p.line("Device Mode:\t%s", p.deviceMode())
}

func (p *printer) bigTCP(on bool) string {
	if on && p.state.version.atLeast(14) {
		return fmt.Sprintf("Enabled\t[%d]", bigTCPSize)
	}
	return onOff(on)
}

func (p *printer) bandwidthManager() string {
	s := p.state
	switch {
	case !s.bandwidth:
		return "Disabled"
	case !s.version.atLeast(12):
		return fmt.Sprintf("EDT with BPF\t[%s]", names(s.devices))
	}
	return fmt.Sprintf("EDT with BPF [%s] [%s]", strings.ToUpper(s.congestionControl()), names(s.devices))
}

func (p *printer) deviceMode() string {
	s := p.state
	mode := s.datapathMode
	if mode != "veth" && !s.netkit() {
		mode = "?"
	}
	if configured := s.opt.text("datapath-mode"); s.version.atLeast(20) && configured != s.datapathMode {
		mode += fmt.Sprintf(" [Configured: %s]", configured)
	}
	return mode
}

func (p *printer) masquerading() {
	s := p.state
	status := "Disabled"
	if s.masquerading() {
		status = fmt.Sprintf("%s [IPv4: %s, IPv6: %s]", p.masquerader(), onOff(s.masquerade4), onOff(s.masquerade6))
	}
	p.line("Masquerading:\t%s", status)
	if p.verbose {
		clock := "ktime"
		if s.jiffies() {
			clock = fmt.Sprintf("jiffies\t[%d Hz]", kernelHertz)
		}
		p.line("Clock Source for BPF:\t%s", clock)
	}
}

const kernelHertz = 250

// jiffies tells whether the agent's probe chose the cheaper clock, which kernels offer from 5.5 on.
func (s *state) jiffies() bool { return s.opt.on("enable-bpf-clock-probe") && !s.kernel.older("5.5") }

func (p *printer) masquerader() string {
	s := p.state
	if !s.bpfMasquerade {
		return "IPTables"
	}
	status := "BPF"
	if s.opt.on("enable-ip-masq-agent") {
		status = "BPF (ip-masq-agent)"
	}
	status += fmt.Sprintf("\t[%s]\t%s", names(s.devices), s.notMasqueraded())
	if s.version.atLeast(18) { // both ranges with one blank between, even where the second is empty
		status += " " + s.notMasqueraded6()
	}
	return status
}
