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

// cluster prints what the health daemon says of its last round of probes.
func (p *printer) cluster() {
	s := p.state
	if !s.probesHealth() {
		p.line("Cluster health:\t\tProbe disabled")
		return
	}
	round, at := p.probes(p.world, false)
	now, healthy := at.Format(timeForm), 0
	for _, node := range round {
		if node.healthy() {
			healthy++
		}
	}
	if s.version.atLeast(18) {
		p.line("Cluster health:\t%d/%d reachable\t(%s)\t(Probe interval: %s)", healthy, len(round), now, probeInterval)
	} else {
		p.line("Cluster health:\t%d/%d reachable\t(%s)", healthy, len(round), now)
	}
	switch {
	case s.version.atLeast(17):
		p.nodeDetails(round, now)
	case p.verbose || healthy < len(round):
		p.nodeTable(round)
	}
	p.modules()
}

// nodeTable: one line for each node, of those that are not reachable only unless details are asked for.
func (p *printer) nodeTable(round []reached) {
	p.line("  Name\tIP\tNode\tEndpoints")
	for _, node := range round {
		if p.verbose || !node.healthy() {
			p.line("  %s%s\t%s\t%s\t%s", node.node, localhost(node), node.hostIP, reachable(node.hostICMP, node.hostHTTP),
				reachable(node.endpointICMP, node.endpointHTTP))
		}
	}
}

func localhost(node reached) string {
	if node.local {
		return " (localhost)"
	}
	return ""
}

func reachable(outcomes ...*string) string {
	for _, outcome := range outcomes {
		if outcome != nil && *outcome != "" {
			return "unreachable"
		}
	}
	return "reachable"
}

// nodeDetails: up to 1.18.3 the table's head was printed even where no node followed.
func (p *printer) nodeDetails(round []reached, now string) {
	if p.verbose || versions("1.17-1.18.3").has(p.state.version) {
		p.line("Name\tIP\tNode\tEndpoints")
	}
	for _, node := range round {
		if p.verbose || !node.healthy() {
			p.nodePaths(node, now)
		}
	}
}

func (p *printer) nodePaths(node reached, now string) {
	probed := ""
	if p.state.version.atLeast(18) {
		probed = "\t(Last probed: " + now + ")"
	}
	p.line("  %s%s:", node.node, localhost(node))
	for _, path := range node.paths() {
		p.line("    %s connectivity to %s:", path.kind, path.ip)
		p.line("      ICMP to stack:\t%s%s", told(path.icmp, "190.787µs"), probed)
		p.line("      HTTP to agent:\t%s%s", told(path.http, "310.698µs"), probed)
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
