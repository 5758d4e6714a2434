// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	hostVariable = "KUBERNETES_SERVICE_HOST"
	portVariable = "KUBERNETES_SERVICE_PORT"
	refused      = "connect: connection refused"
	timedOut     = "i/o timeout"
	k3sArguments = "k3s.io/node-args"
	k3sVersion   = "+k3s"
	k3sSwitch    = "--disable-kube-proxy"
)

// apiAccess is an agent's way to the Kubernetes API: its address, and why nothing answers there ("": the API does).
type apiAccess struct{ address, problem string }

// apiAccess of an agent that starts in this pod now.
func (s *Simulator) apiAccess(ctx context.Context, pod *corev1.Pod) (apiAccess, error) {
	services, err := s.client.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return apiAccess{}, err
	}
	own := ownService(services.Items)
	address, err := s.addressFor(ctx, pod, own)
	if err != nil {
		return apiAccess{}, err
	}
	proxied, err := s.kubeProxyOn(pod.Spec.NodeName)
	if err != nil {
		return apiAccess{}, err
	}
	return apiAccess{address, reach(address, s.server, own, services.Items, proxied)}, nil
}

// reach: the API server answers at its own address; at its Service's address where kube-proxy's rules lead there. Other
// Services lead elsewhere, and without kube-proxy nowhere.
func reach(address, server, own string, services []corev1.Service, proxied bool) string {
	switch {
	case address == server || address == own && proxied:
		return ""
	case ofService(address, services) && !proxied:
		return timedOut
	}
	return refused
}

// ownService is the address of the API server's own Service, which a kubelet hands to every container.
func ownService(services []corev1.Service) string {
	for _, service := range services {
		if service.Namespace == metav1.NamespaceDefault && service.Name == "kubernetes" && len(service.Spec.Ports) > 0 {
			return net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(service.Spec.Ports[0].Port)))
		}
	}
	return ""
}

func ofService(address string, services []corev1.Service) bool {
	host, _, _ := net.SplitHostPort(address)
	return slices.ContainsFunc(services, func(service corev1.Service) bool {
		if slices.Contains(service.Spec.ClusterIPs, host) || slices.Contains(service.Spec.ExternalIPs, host) {
			return true
		}
		return slices.ContainsFunc(service.Status.LoadBalancer.Ingress, func(at corev1.LoadBalancerIngress) bool { return at.IP == host })
	})
}

// addressFor is what the agent's container is given; what it is not given comes from the Service, each for itself.
func (s *Simulator) addressFor(ctx context.Context, pod *corev1.Pod, own string) (string, error) {
	host, port, _ := net.SplitHostPort(own)
	for _, container := range pod.Spec.Containers {
		if container.Name != agentContainer {
			continue
		}
		for _, variable := range container.Env {
			value, err := s.valueOf(ctx, pod.Namespace, variable)
			if err != nil {
				return "", err
			}
			switch variable.Name {
			case hostVariable:
				host = value
			case portVariable:
				port = value
			}
		}
	}
	return net.JoinHostPort(host, port), nil
}

func (s *Simulator) valueOf(ctx context.Context, namespace string, variable corev1.EnvVar) (string, error) {
	if variable.ValueFrom == nil || variable.ValueFrom.ConfigMapKeyRef == nil {
		return variable.Value, nil
	}
	reference := variable.ValueFrom.ConfigMapKeyRef
	configMap, err := s.client.CoreV1().ConfigMaps(namespace).Get(ctx, reference.Name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return configMap.Data[reference.Key], nil
}

// kubeProxyOn tells whether kube-proxy runs on the node, as a pod or within K3s.
func (s *Simulator) kubeProxyOn(name string) (bool, error) {
	pods, err := s.pods.List(labels.Everything())
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return pod.Spec.NodeName == name && isKubeProxy(pod) }) {
		return true, nil
	}
	nodes, err := s.nodes.List(labels.Everything())
	if err != nil {
		return false, err
	}
	return builtIn(nodes), nil
}

func isKubeProxy(pod *corev1.Pod) bool {
	named := pod.Labels["k8s-app"] == "kube-proxy" || pod.Labels["component"] == "kube-proxy"
	return named && pod.DeletionTimestamp == nil
}

// builtIn: K3s runs kube-proxy in its own process on every node, unless a server is told not to.
func builtIn(nodes []*corev1.Node) bool {
	k3s := slices.ContainsFunc(nodes, func(node *corev1.Node) bool {
		return strings.Contains(node.Status.NodeInfo.KubeletVersion, k3sVersion)
	})
	return k3s && !slices.ContainsFunc(nodes, func(node *corev1.Node) bool {
		return strings.Contains(node.Annotations[k3sArguments], k3sSwitch)
	})
}
