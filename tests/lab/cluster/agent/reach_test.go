// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

var direct = changes{"auto-direct-node-routes": "true"}

// beside is a world with one other node, whose agent is at another place.
func beside(here, there Place, other *Agent) World {
	return World{Health: healthOK, Place: here, Peers: func() []Peer {
		return []Peer{{Node: "node-2", IP: "192.168.2.10", Place: there, Agent: other}}
	}}
}

// nodeOf is what is said of the other node, or of the agent's own.
func nodeOf(found map[string]any, number int) any { return found["nodes"].([]any)[number] }

func healthOf(t *testing.T, a *Agent, world World, flags ...string) map[string]any {
	t.Helper()
	var out, errs strings.Builder
	if code := a.ExecIn(world, append([]string{"cilium-health", "status", "-o", "json"}, flags...), &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	var found map[string]any
	if err := json.Unmarshal([]byte(out.String()), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhetherPodsOfAnotherNodeAreReached(t *testing.T) {
	routed, lost := Place{Segment: "a", Routed: true}, Place{Segment: "a"}
	other := Place{Segment: "b"}
	vxlan, geneve := changes{"@tunnel": "vxlan"}, changes{"@tunnel": "geneve"}
	for _, c := range []struct {
		name        string
		mine, peers changes
		here, there Place
		reached     bool
	}{
		{"one tunnel", vxlan, vxlan, lost, other, true},
		{"two kinds of tunnel", vxlan, geneve, lost, lost, false},
		{"a tunnel on one side", vxlan, direct, lost, lost, false},
		{"no tunnel on one side", direct, vxlan, routed, routed, false},
		{"direct routes in a segment", direct, direct, lost, lost, true},
		{"direct routes one way only", direct, nil, lost, lost, false},
		{"direct routes from segment to segment", direct, direct, lost, other, false},
		{"from segment to segment by routers", direct, direct, routed, Place{Segment: "b", Routed: true}, true},
		{"by routers", nil, nil, routed, routed, true},
		{"routers that do not know one of them", nil, nil, routed, lost, false},
	} {
		for _, release := range []string{"1.13.4", "1.18.7"} {
			a, b := start(t, release, c.mine), start(t, release, c.peers)
			found := healthOf(t, a, beside(c.here, c.there, b))
			if status := at(nodeOf(found, 1), "endpoint.icmp.status"); (status == nil) != c.reached {
				t.Errorf("%s: %s: %v", release, c.name, status)
			}
			if at(nodeOf(found, 1), "host.primary-address.icmp.status") != nil {
				t.Errorf("%s: %s: the node itself is not reached", release, c.name)
			}
		}
	}
}

func TestANodeWithoutAnAgentAnswersPingsOnly(t *testing.T) {
	found := healthOf(t, start(t, "1.18.7"), beside(Place{}, Place{}, nil))
	for path, fine := range map[string]bool{"host.primary-address.icmp": true, "host.primary-address.http": false,
		"health-endpoint.primary-address.icmp": false, "endpoint.http": false} {
		if (at(nodeOf(found, 1), path+".status") == nil) != fine {
			t.Errorf("%s: %v", path, at(nodeOf(found, 1), path))
		}
	}
}

func TestWhereThePathsToEndpointsStand(t *testing.T) {
	for _, release := range releases {
		found := healthOf(t, start(t, release), World{})
		newer := at(nodeOf(found, 0), "health-endpoint.primary-address.ip")
		if (newer != nil) != versions("1.14+").has(mustVersion(t, release)) || at(nodeOf(found, 0), "endpoint.ip") == nil {
			t.Errorf("%s: %v", release, found)
		}
		off := healthOf(t, start(t, release, changes{"enable-endpoint-health-checking": "false"}), World{})
		if at(nodeOf(off, 0), "endpoint") != nil || at(nodeOf(off, 0), "health-endpoint") != nil || at(nodeOf(off, 0), "host") == nil {
			t.Errorf("%s: endpoints are looked at: %v", release, off)
		}
	}
}

func TestResultsAreThoseOfTheLastRoundUnlessAProbeIsAskedFor(t *testing.T) {
	a := start(t, "1.18.7", direct)
	gone, there := beside(Place{}, Place{}, nil), beside(Place{}, Place{}, start(t, "1.18.7", direct))
	reached := func(world World, flags ...string) bool {
		return at(nodeOf(healthOf(t, a, world, flags...), 1), "endpoint.icmp.status") == nil
	}
	if reached(gone) || reached(there) {
		t.Error("a former round is not kept")
	}
	if !reached(there, "--probe") || !reached(gone) {
		t.Error("a probe that was asked for is not made, or not kept")
	}
	a.prober.at = time.Now().Add(-probeInterval)
	if reached(gone) {
		t.Error("a round that is due is not made")
	}
}

func TestTheStatusCountsTheNodesThatAreReached(t *testing.T) {
	for _, release := range releases {
		a := start(t, release, direct)
		var out, errs strings.Builder
		world := beside(Place{Segment: "a"}, Place{Segment: "b"}, start(t, release, direct))
		a.ExecIn(world, []string{a.state.programName(), "status"}, &out, &errs)
		if value, _ := valueOf(out.String(), "Cluster health:"); !strings.HasPrefix(value, "1/2 reachable ") {
			t.Errorf("%s: %q", release, value)
		}
		row := fmt.Sprintf("  node-2 %18s reachable   unreachable", "192.168.2.10")
		if versions("1.17+").has(mustVersion(t, release)) {
			row = "ICMP to stack:   " + timedOut
		}
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(row), " ")) {
			t.Errorf("%s: no line says which: %s", release, out.String())
		}
	}
}
