// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"io"
	"time"
)

// The client of the health daemon, cilium-health, which asks it for the results of its probes.

// way to a node: to its own address, or to the endpoint that stands for all of its pods.
type way struct {
	kind, ip   string
	icmp, http *string
}

// paths of a node; without health checks of endpoints there is none to its pods.
func (r reached) paths() []way {
	all := []way{{"Host", r.hostIP, r.hostICMP, r.hostHTTP}}
	if r.endpointICMP != nil {
		all = append(all, way{"Endpoint", r.podIP, r.endpointICMP, r.endpointHTTP})
	}
	return all
}

// told is how a probe's outcome is printed.
func told(outcome *string, latency string) string {
	if *outcome != "" {
		return *outcome
	}
	return "OK, RTT=" + latency
}

func (a *Agent) healthClient(args []string, world World, out, errw io.Writer) int {
	c, err := parse(args, map[string][]string{"status": {"--probe", "--succinct", "--verbose"}})
	if err != nil {
		return fail(errw, "%s", err)
	}
	if c.verb != "status" {
		return fail(errw, "Error: unknown command %q for \"cilium-health\"", c.verb)
	}
	if !a.state.probesHealth() {
		return fail(errw, "Error: Cannot get status: cilium-health daemon unreachable")
	}
	round, at := a.probes(world, c.flags["--probe"])
	if c.json {
		if writeJSON(out, a.healthJSON(round, at)) != nil {
			return 1
		}
		return 0
	}
	fmt.Fprintf(out, "Probe time:   %s\nNodes:\n", at.Format(time.RFC3339))
	for _, node := range round {
		fmt.Fprintf(out, "  %s%s:\n", node.node, localhost(node))
		for _, path := range node.paths() {
			fmt.Fprintf(out, "    %s connectivity to %s:\n      ICMP to stack:   %s\n      HTTP to agent:   %s\n", path.kind, path.ip,
				told(path.icmp, "190µs"), told(path.http, "310µs"))
		}
	}
	return 0
}

// healthJSON is what `cilium-health status -o json` says of a round of probes. Nodes carry their cluster's name. Where the
// paths to endpoints stand: "endpoint" always, and beside it from 1.14 on "health-endpoint", made like the host's.
func (a *Agent) healthJSON(round []reached, at time.Time) object {
	s := a.state
	nodes := make([]object, len(round))
	for i, node := range round {
		nodes[i] = object{"name": s.fullName(node.node)}
		for _, path := range node.paths() {
			status := object{"ip": path.ip, "icmp": outcomeJSON(path.icmp, 190000), "http": outcomeJSON(path.http, 310000)}
			switch {
			case path.kind == "Host":
				nodes[i]["host"] = object{"primary-address": status}
			case s.version.atLeast(14):
				nodes[i]["health-endpoint"] = object{"primary-address": status}
				fallthrough
			default:
				nodes[i]["endpoint"] = status
			}
		}
	}
	return object{"local": object{"name": s.fullName(s.node)}, "nodes": nodes, "timestamp": at.Format(time.RFC3339)}
}

// outcomeJSON: a success has a latency in nanoseconds, a failure a text.
func outcomeJSON(outcome *string, latency int) object {
	if *outcome != "" {
		return object{"status": *outcome}
	}
	return object{"latency": latency}
}
