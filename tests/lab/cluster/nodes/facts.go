// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"fastpath.cilium/lab/agent"
	"fastpath.cilium/lab/kubelet"
)

// Annotations by which a node is steered, each readable and changeable at any time.
const (
	annotationKernel  = "lab/kernel"        // kernel release
	annotationKubelet = "lab/kubelet"       // kubelet version, such as v1.34.4+k3s1
	annotationDevices = "lab/devices"       // name=driver,name=driver
	annotationHealth  = "lab/health"        // ok, warning or failure: what the running agent answers
	annotationReady   = "lab/ready"         // "false": the node's Ready condition is False
	annotationAgent   = "lab/agent"         // what goes wrong when an agent starts
	annotationExec    = "lab/exec"          // what goes wrong with an exec
	annotationSegment = "lab/segment"       // name of the layer 2 segment, the same for all nodes where it is not told
	annotationRoutes  = "lab/fabric-routes" // whether the routers know the way to this node's pods: without segments they do
	annotationRoot    = "lab/root"          // folder that stands for the root of the node's host
)

const (
	defaultKernel     = "6.2.0-26-generic"
	defaultDevices    = "eth0=virtio_net"
	defaultStartDelay = 300 * time.Millisecond
	defaultHealth     = "ok"
)

// agentFault is what happens to an agent that starts on a node.
type agentFault struct {
	crash      string // refuses with this message whatever its configuration
	neverReady bool
	flap       bool // ready, then one restart
	startDelay time.Duration
}

// facts are a node as its annotations make it.
type facts struct {
	kernel  string
	kubelet string
	devices []agent.Device
	health  string
	ready   bool
	root    string
	agent   agentFault
	exec    kubelet.Fault
	place   agent.Place
}

// parseFacts reads a node's annotations. What cannot be understood counts as not given; problems names it.
func parseFacts(index int, annotations map[string]string) (f facts, problems []error) {
	value := func(key, otherwise string) string {
		if text := strings.TrimSpace(annotations[key]); text != "" {
			return text
		}
		return otherwise
	}
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	var err error
	f.kernel = value(annotationKernel, defaultKernel)
	f.kubelet = value(annotationKubelet, kubeletVersion)
	f.root = value(annotationRoot, "")
	f.ready = value(annotationReady, "true") != "false"
	f.devices, err = parseDevices(index, value(annotationDevices, defaultDevices))
	note(err)
	f.health, err = parseHealth(value(annotationHealth, defaultHealth))
	note(err)
	f.agent, err = parseAgentFault(value(annotationAgent, ""))
	note(err)
	f.exec, err = kubelet.ParseFault(value(annotationExec, ""))
	note(err)
	f.place, err = parsePlace(value(annotationSegment, ""), value(annotationRoutes, ""))
	note(err)
	return f, problems
}

func parseDevices(index int, text string) ([]agent.Device, error) {
	var devices []agent.Device
	for position, pair := range strings.Split(text, ",") {
		name, driver, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" || driver == "" {
			fallback, _ := parseDevices(index, defaultDevices)
			return fallback, fmt.Errorf("%s: %q is no name=driver", annotationDevices, pair)
		}
		devices = append(devices, agent.Device{Name: name, Driver: driver, IP: deviceIP(index, position)})
	}
	return devices, nil
}

// parsePlace: a fabric of several segments knows no pods unless it is told to.
func parsePlace(segment, routes string) (agent.Place, error) {
	place := agent.Place{Segment: segment, Routed: segment == ""}
	switch routes {
	case "":
	case "true", "false":
		place.Routed = routes == "true"
	default:
		return place, fmt.Errorf("%s: %q is neither true nor false", annotationRoutes, routes)
	}
	return place, nil
}

func parseHealth(text string) (string, error) {
	switch text {
	case "ok", "warning", "failure":
		return text, nil
	}
	return defaultHealth, fmt.Errorf("%s: %q is none of ok, warning, failure", annotationHealth, text)
}

func parseAgentFault(text string) (agentFault, error) {
	fault := agentFault{startDelay: defaultStartDelay}
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "":
	case kind == "crash" && rest != "":
		fault.crash = rest
	case text == "never-ready":
		fault.neverReady = true
	case text == "flap":
		fault.flap = true
	case kind == "start-delay":
		seconds, err := strconv.ParseFloat(rest, 64)
		if err == nil && seconds >= 0 && seconds < 1e6 {
			fault.startDelay = time.Duration(seconds * float64(time.Second))
			return fault, nil
		}
		fallthrough
	default:
		return fault, fmt.Errorf("%s: %q is no fault: use crash:<message>, never-ready, start-delay:<seconds> or flap",
			annotationAgent, text)
	}
	return fault, nil
}
