// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"sort"

	"fastpath.cilium/lab/agent"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const (
	agentContainer  = "cilium-agent"
	agentLabel      = "k8s-app"
	agentLabelValue = "cilium"
	configMapName   = "cilium-config"
	// configContainer is the init container that writes the configuration down when the pod is created
	// (charts from 1.13 on). Without it an agent reads the ConfigMap at every start of its container.
	configContainer = "config"
)

var nodeConfigVersions = []schema.GroupVersionResource{
	{Group: "cilium.io", Version: "v2alpha1", Resource: "ciliumnodeconfigs"},
	{Group: "cilium.io", Version: "v2", Resource: "ciliumnodeconfigs"},
}

func isAgentPod(pod *corev1.Pod) bool {
	return pod.Labels[agentLabel] == agentLabelValue && agentImage(pod) != ""
}

func agentImage(pod *corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		if c.Name == agentContainer {
			return c.Image
		}
	}
	return ""
}

func freezesConfig(pod *corev1.Pod) bool {
	for _, c := range pod.Spec.InitContainers {
		if c.Name == configContainer {
			return true
		}
	}
	return false
}

var (
	imageDigest = regexp.MustCompile(`@.*$`)
	imageTag    = regexp.MustCompile(`:v?([^/:]+)$`)
)

// agentVersion is the image's tag without its v and digest; empty if there is no tag.
func agentVersion(image string) string {
	if match := imageTag.FindStringSubmatch(imageDigest.ReplaceAllString(image, "")); match != nil {
		return match[1]
	}
	return ""
}

// boot is what an agent starts with: all of it read when its container starts, the configuration perhaps earlier.
type boot struct {
	input agent.Input
	fault agentFault
	api   apiAccess
	root  string // folder of the host, empty where there is none
}

// readBoot prepares a start of pod's agent. frozen is the configuration the pod was created with, nil if none.
func (s *Simulator) readBoot(ctx context.Context, pod *corev1.Pod, frozen map[string]string) (boot, error) {
	node, f, err := s.nodeFacts(ctx, pod.Spec.NodeName)
	if err != nil {
		return boot{}, err
	}
	config := frozen
	if config == nil {
		if config, err = s.effectiveConfig(ctx, pod.Namespace, node); err != nil {
			return boot{}, err
		}
	}
	access, err := s.apiAccess(ctx, pod)
	if err != nil {
		return boot{}, err
	}
	return boot{fault: f.agent, api: access, root: f.root, input: agent.Input{
		Version: agentVersion(agentImage(pod)), Config: config,
		Host: agent.Host{NodeName: node.Name, Kernel: f.kernel, Devices: f.devices},
	}}, nil
}

// effectiveConfig is cilium-config with the overrides of the CiliumNodeConfigs that select the node.
func (s *Simulator) effectiveConfig(ctx context.Context, namespace string, node *corev1.Node) (map[string]string, error) {
	configMap, err := s.client.CoreV1().ConfigMaps(namespace).Get(ctx, configMapName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	overrides, err := s.overrides(ctx, namespace, labels.Set(node.Labels))
	if err != nil {
		return nil, err
	}
	return agent.EffectiveConfig(configMap.Data, overrides), nil
}

func (s *Simulator) overrides(ctx context.Context, namespace string, nodeLabels labels.Set) ([]map[string]string, error) {
	objects := map[types.UID]unstructured.Unstructured{} // one that both versions serve counts once
	for _, version := range nodeConfigVersions {
		list, err := s.dynamic.Resource(version).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			continue // no such CRD
		}
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			objects[item.GetUID()] = item
		}
	}
	return matching(sortedByName(objects), nodeLabels)
}

func sortedByName(objects map[types.UID]unstructured.Unstructured) []unstructured.Unstructured {
	var sorted []unstructured.Unstructured
	for _, object := range objects {
		sorted = append(sorted, object)
	}
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].GetName() < sorted[j].GetName() })
	return sorted
}

// nodeConfigSpec is the spec of a CiliumNodeConfig.
type nodeConfigSpec struct {
	NodeSelector *metav1.LabelSelector `json:"nodeSelector"`
	Defaults     map[string]string     `json:"defaults"`
}

func matching(objects []unstructured.Unstructured, nodeLabels labels.Set) ([]map[string]string, error) {
	var overrides []map[string]string
	for _, object := range objects {
		var parsed struct {
			Spec nodeConfigSpec `json:"spec"`
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &parsed); err != nil {
			return nil, fmt.Errorf("CiliumNodeConfig %s: %w", object.GetName(), err)
		}
		selector, err := metav1.LabelSelectorAsSelector(parsed.Spec.NodeSelector)
		if err != nil {
			return nil, fmt.Errorf("CiliumNodeConfig %s: %w", object.GetName(), err)
		}
		if selector.Matches(nodeLabels) {
			overrides = append(overrides, parsed.Spec.Defaults)
		}
	}
	return overrides, nil
}

// world is what surrounds a node's agent. Who else there is is looked up only when the agent wants to know.
func (s *Simulator) world(node string, f facts) agent.World {
	return agent.World{Health: f.health, Place: f.place, Peers: func() []agent.Peer { return s.peers(node) }}
}

// peers are all nodes but this one, in their order, each with the agent that runs there.
func (s *Simulator) peers(node string) []agent.Peer {
	running := map[string]*agent.Agent{}
	s.lives.Range(func(_, known any) bool {
		life := known.(*podLife)
		if life.agent != nil {
			if now := life.agent.view(); now.agent != nil {
				running[life.node] = now.agent
			}
		}
		return true
	})
	var others []agent.Peer
	for index := 1; index <= s.options.Count; index++ {
		other, err := s.nodes.Get(nodeName(index))
		if err != nil || other.Name == node {
			continue
		}
		f, _ := parseFacts(index, other.Annotations)
		others = append(others, agent.Peer{Node: other.Name, IP: nodeIP(index), Place: f.place, Agent: running[other.Name]})
	}
	return others
}

// program answers an exec in the agent's container. running is nil while the agent has not finished its start.
func program(running *agent.Agent, world agent.World) func(command []string, out, errw io.Writer) int {
	return func(command []string, out, errw io.Writer) int {
		if running != nil {
			return running.ExecIn(world, command, out, errw)
		}
		fmt.Fprintln(errw, `Cannot get status/probe: Get "http://localhost/v1/healthz": `+
			`dial unix /var/run/cilium/cilium.sock: connect: no such file or directory`)
		return 1
	}
}
