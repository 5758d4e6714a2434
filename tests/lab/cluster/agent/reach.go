// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"sync"
	"time"
)

// Place is where a node stands in the network: nodes of one segment reach each other without a router; where it is Routed,
// the routers know the way to its pods.
type Place struct {
	Segment string
	Routed  bool
}

// Peer is another node: its agent is nil while none runs there.
type Peer struct {
	Node, IP string
	Place    Place
	Agent    *Agent
}

// World is what surrounds an agent when it is asked: its condition (ok, warning or failure), its place, the other nodes.
// Peers may be nil: then there are none.
type World struct {
	Health string
	Place  Place
	Peers  func() []Peer
}

const (
	probeInterval = 96*time.Second + 566274746*time.Nanosecond
	timedOut      = "Connection timed out"
)

// reached is what the probes of one node came to; an empty text is success, nil was not probed.
type reached struct {
	node, hostIP, podIP                            string
	hostICMP, hostHTTP, endpointICMP, endpointHTTP *string
	local                                          bool
}

func (r reached) healthy() bool {
	for _, outcome := range []*string{r.hostICMP, r.hostHTTP, r.endpointICMP, r.endpointHTTP} {
		if outcome != nil && *outcome != "" {
			return false
		}
	}
	return true
}

// prober keeps what the last round of probes came to, as the health daemon does between its rounds.
type prober struct {
	mu   sync.Mutex
	at   time.Time
	last []reached
}

// probes are the results of the last round; a new one is made when it is asked for or due.
func (a *Agent) probes(world World, now bool) ([]reached, time.Time) {
	a.prober.mu.Lock()
	defer a.prober.mu.Unlock()
	if now || a.prober.last == nil || time.Since(a.prober.at) >= probeInterval {
		a.prober.last, a.prober.at = a.probe(world), time.Now().UTC()
	}
	return a.prober.last, a.prober.at
}

func (a *Agent) probe(world World) []reached {
	s := a.state
	round := []reached{s.probed(s.node, s.nodeIP(), s.podIP(57), "", "", "")}
	round[0].local = true
	if world.Peers == nil {
		return round
	}
	for _, peer := range world.Peers() {
		if peer.Agent == nil { // the node answers, its agent and the endpoint that lives with it do not
			refused := s.noAnswer(peer.IP, "connect: connection refused")
			round = append(round, s.probed(peer.Node, peer.IP, podIPOf(peer.Node, 57), refused, timedOut, refused))
			continue
		}
		lost, http := "", ""
		if !s.reaches(world.Place, peer) || !peer.Agent.state.reaches(peer.Place, Peer{Place: world.Place, Agent: a}) {
			lost, http = timedOut, s.noAnswer(podIPOf(peer.Node, 57), "context deadline exceeded")
		}
		round = append(round, s.probed(peer.Node, peer.IP, podIPOf(peer.Node, 57), "", lost, http))
	}
	return round
}

// probed is the outcome for one node; without health checks of endpoints nobody looks at those.
func (s *state) probed(node, hostIP, podIP, hostHTTP, endpointICMP, endpointHTTP string) reached {
	r := reached{node: node, hostIP: hostIP, podIP: podIP, hostICMP: new(string), hostHTTP: &hostHTTP}
	if s.opt.on("enable-endpoint-health-checking") {
		r.endpointICMP, r.endpointHTTP = &endpointICMP, &endpointHTTP
	}
	return r
}

func (s *state) noAnswer(ip, why string) string {
	return "Get \"http://" + ip + ":4240/hello\": " + why
}

// reaches tells whether packets from this agent's pods come to the peer's pods: in a tunnel that both have, or as they are,
// by a route of the node's own within its segment, else by those of the routers.
func (s *state) reaches(from Place, peer Peer) bool {
	if s.tunnel != peer.Agent.state.tunnel {
		return false
	}
	direct := s.opt.on("auto-direct-node-routes") && from.Segment == peer.Place.Segment
	return s.tunnel != "" || direct || from.Routed && peer.Place.Routed
}
