// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"time"
)

func (p *printer) encryption() {
	s := p.state
	device := fmt.Sprintf("%s (Pubkey: %s, Port: 51871, Peers: 0)", wireguardIf, publicKey)
	switch encrypts := s.encryption() == "Wireguard"; {
	case !s.version.atLeast(14) && encrypts:
		p.line("Encryption:\tWireguard\t[%s]", device)
	case !s.version.atLeast(14):
		p.line("Encryption:\t%s", s.encryption())
	case encrypts:
		p.line("Encryption:\tWireguard\t[NodeEncryption: %s, %s]", onOff(s.opt.on("encrypt-node")), device)
	default:
		p.line("Encryption:\t%s\t", s.encryption())
	}
}

// cluster prints what the health daemon says; this node reaches itself.
func (p *printer) cluster() {
	s := p.state
	if !s.probesHealth() {
		p.line("Cluster health:\t\tProbe disabled")
		return
	}
	now := time.Now().UTC().Format(timeForm)
	if s.version.atLeast(18) {
		p.line("Cluster health:\t1/1 reachable\t(%s)\t(Probe interval: 1m36.566274746s)", now)
	} else {
		p.line("Cluster health:\t1/1 reachable\t(%s)", now)
	}
	switch {
	case s.version.atLeast(17):
		p.nodeDetails(now)
	case p.verbose:
		p.line("  Name\tIP\tNode\tEndpoints")
		p.line("  %s (localhost)\t%s\treachable\treachable", s.node, s.nodeIP())
	}
	p.modules()
}

// nodeDetails: up to 1.18.3 the table's head was printed even where no node followed.
func (p *printer) nodeDetails(now string) {
	if p.verbose || versions("1.17-1.18.3").has(p.state.version) {
		p.line("Name\tIP\tNode\tEndpoints")
	}
	if !p.verbose {
		return
	}
	s := p.state
	probed := ""
	if s.version.atLeast(18) {
		probed = "\t(Last probed: " + now + ")"
	}
	p.line("  %s (localhost):", s.node)
	for _, target := range []struct{ kind, ip string }{{"Host", s.nodeIP()}, {"Endpoint", s.podIP(57)}} {
		p.line("    %s connectivity to %s:", target.kind, target.ip)
		p.line("      ICMP to stack:\tOK, RTT=190.787µs%s", probed)
		p.line("      HTTP to agent:\tOK, RTT=310.698µs%s", probed)
	}
}

// moduleTree is the agent's parts; those that report are its leaves.
var moduleTree = []struct{ branch, report string }{
	{"agent", ""},
	{"├── controlplane", ""},
	{"│   └── daemon", ""},
	{"│       └── job-sync-hostips", "Synchronized"},
	{"├── datapath", ""},
	{"│   └── orchestrator", ""},
	{"│       └── job-reinitialize", "OK"},
	{"└── infra", ""},
	{"    └── k8s-synced-crdsync", "Running"},
}

// modules report on the agent's parts since 1.16; from 1.18 their tree stands beside its label.
func (p *printer) modules() {
	if !p.state.version.atLeast(16) {
		return
	}
	if !p.verbose {
		p.line("Modules Health:\tStopped(0) Degraded(0) OK(3)")
		return
	}
	label, lead := "Modules Health:\n      ", "      "
	if p.state.version.atLeast(18) {
		label, lead = "Modules Health:\t\t", "\t\t"
	}
	for i, module := range moduleTree {
		if i > 0 {
			label = lead
		}
		p.line("%s%s", label, module.branch+p.outcome(module.report))
	}
}

func (p *printer) outcome(report string) string {
	if report == "" {
		return ""
	}
	return fmt.Sprintf("    [OK] %s (%s, x1)", report, time.Since(p.started).Truncate(time.Second))
}
