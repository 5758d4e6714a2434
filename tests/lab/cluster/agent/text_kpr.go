// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"text/tabwriter"
)

// detail is a line of the replacement's details; a line whose value is "" is left out.
type detail struct{ label, value string }

// replacementDetails prints the block "KubeProxyReplacement Details".
func (p *printer) replacementDetails() {
	s := p.state
	p.line("KubeProxyReplacement Details:")
	p.table(func(tab *tabwriter.Writer) {
		for _, d := range s.socketDetails() {
			printDetail(tab, d)
		}
		for _, d := range s.loadBalancerDetails() {
			printDetail(tab, d)
		}
		s.printNAT46(tab)
		if s.nodePort {
			printDetail(tab, detail{"  XDP Acceleration:", s.accelerationWord()})
		}
		s.printServices(tab)
		s.printAnnotations(tab)
	})
}

func printDetail(tab *tabwriter.Writer, d detail) {
	if d.value != "" {
		fmt.Fprintf(tab, "%s\t%s\n", d.label, d.value)
	}
}

func (s *state) socketDetails() []detail {
	list := []detail{{"  Status:", capital(s.kprSetting)}}
	if s.version.atLeast(12) {
		list = append(list, detail{"  Socket LB:", onOff(s.socketLB)})
	}
	if !s.version.atLeast(13) && s.socketLB {
		list = append(list, detail{"  Socket LB Protocols:", "TCP, UDP"})
	}
	if s.version.atLeast(13) {
		list = append(list, detail{"  Socket LB Tracing:", onOff(s.socketLBTracing)})
	}
	if s.version.atLeast(12) {
		list = append(list, detail{"  Socket LB Coverage:", s.coverage()})
	}
	return append(list, detail{"  Devices:", s.deviceList()})
}

func (s *state) coverage() string {
	if s.hostnsOnly {
		return "Hostns-only"
	}
	return "Full"
}

func (s *state) loadBalancerDetails() []detail {
	var list []detail
	if s.nodePort {
		list = append(list, detail{"  Mode:", s.nodePortMode()})
		if s.version.atLeast(15) && s.lbMode != "snat" {
			list = append(list, detail{"    DSR Dispatch Mode:", s.dispatchWord()})
		}
		list = append(list, detail{"  Backend Selection:", s.selection()})
	}
	list = append(list, detail{"  Session Affinity:", onOff(s.sessionAffinity)})
	if !s.version.atLeast(18) {
		list = append(list, detail{"  Graceful Termination:", onOff(s.opt.on("enable-k8s-terminating-endpoint"))})
	}
	return list
}

func (s *state) selection() string {
	if s.opt.text("bpf-lb-algorithm") == "maglev" {
		return fmt.Sprintf("Maglev (Table Size: %d)", s.opt.number("bpf-lb-maglev-table-size"))
	}
	return "Random"
}

func (s *state) printNAT46(tab *tabwriter.Writer) {
	on := s.nat46Service || s.nat46Gateway
	switch {
	case !s.version.atLeast(12):
	case !s.version.atLeast(13) || !on:
		fmt.Fprintf(tab, "  NAT46/64 Support:\t%s\n", onOff(on))
	default:
		fmt.Fprint(tab, "  NAT46/64 Support:\n")
		fmt.Fprintf(tab, "  - Services:\t%s\n", onOff(s.nat46Service))
		fmt.Fprintf(tab, "  - Gateway:\t%s\n", onOff(s.nat46Gateway))
		if s.nat46Gateway {
			fmt.Fprintf(tab, "    Prefixes:\t%s\n", nat64Prefix)
		}
	}
}

const nat64Prefix = "64:ff9b::/96"

func (s *state) printServices(tab *tabwriter.Writer) {
	ports := "Disabled"
	if s.nodePort {
		from, to, _ := nodePortRange(s)
		ports = fmt.Sprintf("Enabled (Range: %d-%d)", from, to)
	}
	fmt.Fprint(tab, "  Services:\n  - ClusterIP:\tEnabled\n")
	fmt.Fprintf(tab, "  - NodePort:\t%s \n", ports)
	fmt.Fprintf(tab, "  - LoadBalancer:\t%s \n", onOff(s.nodePort))
	fmt.Fprintf(tab, "  - externalIPs:\t%s \n", onOff(s.externalIPs))
	fmt.Fprintf(tab, "  - HostPort:\t%s\n", onOff(s.hostPort))
}

func (s *state) printAnnotations(tab *tabwriter.Writer) {
	if !s.version.atLeast(17) {
		return
	}
	list := s.annotations()
	if len(list) == 0 {
		fmt.Fprint(tab, "  Annotations:\t(n/a)\n")
		return
	}
	fmt.Fprint(tab, "  Annotations:\n")
	for _, annotation := range list {
		fmt.Fprintf(tab, "  - %s\n", annotation)
	}
}
