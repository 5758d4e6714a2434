// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printer writes one status as text; its verbose form adds the details.
type printer struct {
	*Agent
	out     *tabwriter.Writer
	world   World
	health  string
	verbose bool
}

// statusText prints a status and returns the command's exit code.
func (a *Agent) statusText(out io.Writer, world World, verbose bool) int {
	p := &printer{a, tabwriter.NewWriter(out, 2, 0, 3, ' ', 0), world, world.Health, verbose}
	defer p.out.Flush()
	p.services()
	p.itself()
	p.traffic()
	p.masquerading()
	p.activity()
	if verbose {
		p.replacementDetails()
		p.maps()
	}
	p.encryption()
	if word, _ := a.state.condition(world.Health); word != "Ok" {
		return 1
	}
	p.cluster()
	return 0
}

func (p *printer) line(format string, values ...any) { fmt.Fprintf(p.out, format+"\n", values...) }

// table aligns rows of its own, as the client does for the parts of a status.
func (p *printer) table(write func(*tabwriter.Writer)) {
	tab := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	write(tab)
	tab.Flush()
}

func (p *printer) services() {
	s := p.state
	if s.version.atLeast(17) {
		p.line("KVStore:\tDisabled\t")
	} else {
		p.line("KVStore:\tOk\tDisabled")
	}
	word, message := kubernetesCondition(p.health)
	p.line("Kubernetes:\t%s\t%s", word, message)
	p.line("Kubernetes APIs:\t[\"%s\"]", strings.Join(s.apis(), "\", \""))
	devices := ""
	if list := s.deviceList(); list != "" {
		devices = "[" + list + "]"
	}
	p.line("KubeProxyReplacement:\t%s\t%s", capital(s.kprSetting), devices)
	if s.opt.on("enable-host-firewall") {
		p.line("Host firewall:\tEnabled\t[%s]", names(s.devices))
	} else {
		p.line("Host firewall:\tDisabled")
	}
}

// deviceList names the replacement's devices with their addresses; none without a replacement.
func (s *state) deviceList() string {
	if !s.replaces() {
		return ""
	}
	list := make([]string, len(s.devices))
	for i, device := range s.devices {
		list[i] = device.Name + " " + strings.Join(s.deviceIPs(device), " ")
		if device.Name == s.directRoutingDevice() {
			list[i] += " (Direct Routing)"
		}
	}
	return strings.Join(list, ", ")
}

func (p *printer) itself() {
	s := p.state
	if s.version.atLeast(15) {
		p.line("SRv6:\t%s", p.srv6())
	}
	if s.version.atLeast(12) {
		p.line("CNI Chaining:\t%s", s.opt.text("cni-chaining-mode"))
	}
	if s.version.atLeast(13) {
		p.line("CNI Config file:\t%s", cniMessage)
	}
	word, message := s.condition(p.health)
	p.line("Cilium:\t%s   %s", word, message)
	if word == "Warning" {
		p.line("Stale status:\t%q since %s", staleProbe, p.staleSince())
	}
	p.line("NodeMonitor:\tListening for events on 2 CPUs with 64x4096 of shared memory")
	if s.probesHealth() {
		p.line("Cilium health daemon:\tOk\t")
	}
	p.line("IPAM:\t%s", s.addresses())
	if p.verbose {
		p.line("Allocated addresses:\n  %s (router)\n  %s (health)", s.podIP(12), s.podIP(57))
	}
	p.clusterMesh()
}

const cniMessage = "successfully wrote CNI configuration file to /host/etc/cni/net.d/05-cilium.conflist"

func (p *printer) srv6() string {
	if p.state.opt.on("enable-srv6") {
		return "Enabled\t[encap-mode: reduced]"
	}
	return "Disabled"
}

func (p *printer) clusterMesh() {
	v := p.state.version
	switch {
	case !p.state.clusterMesh():
	case !v.atLeast(14):
		p.line("ClusterMesh:\t0/0 clusters ready, 0 global-services")
	case !v.atLeast(19):
		p.line("ClusterMesh:\t0/0 remote clusters ready, 0 global-services")
	default:
		p.line("ClusterMesh:\t0/0 remote clusters ready")
	}
}

func (p *printer) activity() {
	s := p.state
	p.line("Controller Status:\t%d/%d healthy", len(controllers), len(controllers))
	if p.verbose {
		p.table(func(tab *tabwriter.Writer) {
			fmt.Fprint(tab, "  Name\tLast success\tLast error\tCount\tMessage\n")
			since := time.Since(p.started).Truncate(time.Second)
			for _, name := range controllers {
				fmt.Fprintf(tab, "  %s\t%s ago\tnever\t0\tno error\t\n", name, since)
			}
		})
	}
	proxy := fmt.Sprintf("Proxy Status:\tOK, ip %s, 0 redirects active on ports 10000-20000", s.podIP(12))
	if s.version.atLeast(14) {
		proxy += ", Envoy: " + s.envoy()
	}
	p.line("%s", proxy)
	if s.version.atLeast(12) {
		p.line("Global Identity Range:\tmin 256, max 65535")
	}
	p.hubble()
}

func (s *state) envoy() string {
	if s.opt.on("external-envoy-proxy") {
		return "external"
	}
	return "embedded"
}

func (p *printer) hubble() {
	s := p.state
	if !s.opt.on("enable-hubble") {
		if s.version.atLeast(18) {
			p.line("Hubble:\tDisabled\tMetrics: %s", s.hubbleMetrics())
		} else {
			p.line("Hubble:\tDisabled")
		}
		return
	}
	current, seen, uptime := p.flows()
	p.line("Hubble:\tOk\tCurrent/Max Flows: %d/%d (%.2f%%), Flows/s: %.2f\tMetrics: %s", current, maxFlows,
		float64(current)/maxFlows*100, float64(seen)/uptime.Seconds(), s.hubbleMetrics())
}

func (p *printer) maps() {
	s := p.state
	sizing := "off"
	if ratio := s.opt.ratio(); ratio > 0 {
		sizing = fmt.Sprintf("on (ratio: %f)", ratio)
	}
	p.line("BPF Maps:\tdynamic sizing: %s", sizing)
	p.table(func(tab *tabwriter.Writer) {
		fmt.Fprint(tab, "  Name\tSize\n")
		for _, m := range mapsOf(s) {
			fmt.Fprintf(tab, "  %s\t%d\n", m.name, m.size(s))
		}
	})
}
