// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func service(namespace, name, address string) corev1.Service {
	return corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.ServiceSpec{
		ClusterIP: address, ClusterIPs: []string{address}, Ports: []corev1.ServicePort{{Port: 443}}}}
}

func TestWhereTheAPIAnswers(t *testing.T) {
	const server = "127.0.0.1:6443"
	services := []corev1.Service{service("default", "kubernetes", "10.96.0.1"), service("kube-system", "kube-dns", "10.96.0.10")}
	services[1].Spec.ExternalIPs = []string{"192.0.2.1"}
	own := ownService(services)
	if own != "10.96.0.1:443" || ownService(services[1:]) != "" {
		t.Fatalf("the API's own Service is at %q", own)
	}
	for _, one := range []struct {
		address string
		proxied bool
		want    string
	}{
		{server, false, ""}, {server, true, ""},
		{own, true, ""}, {own, false, timedOut},
		{"10.96.0.10:443", true, refused}, {"10.96.0.10:443", false, timedOut},
		{"192.0.2.1:443", false, timedOut},
		{"127.0.0.1:1", true, refused}, {"192.0.2.9:6443", false, refused}, {"", true, refused},
	} {
		if got := reach(one.address, server, own, services, one.proxied); got != one.want {
			t.Errorf("%+v: %q", one, got)
		}
	}
}

func TestKubeProxyIsKnownByItsLabels(t *testing.T) {
	for _, one := range []struct {
		labels map[string]string
		gone   bool
		want   bool
	}{
		{map[string]string{"k8s-app": "kube-proxy"}, false, true}, {map[string]string{"component": "kube-proxy"}, false, true},
		{map[string]string{"k8s-app": "kube-proxy"}, true, false}, {map[string]string{"k8s-app": "cilium"}, false, false}, {nil, false, false},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: one.labels}}
		if one.gone {
			now := metav1.Now()
			pod.DeletionTimestamp = &now
		}
		if got := isKubeProxy(pod); got != one.want {
			t.Errorf("%+v: %v", one, got)
		}
	}
}

func TestK3sRunsKubeProxyUnlessAServerIsToldNotTo(t *testing.T) {
	node := func(version, arguments string) *corev1.Node {
		found := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{k3sArguments: arguments}}}
		found.Status.NodeInfo.KubeletVersion = version
		return found
	}
	server, agent := node("v1.34.4+k3s1", `["server"]`), node("v1.34.4+k3s1", `["agent"]`)
	if !builtIn([]*corev1.Node{server, agent}) || builtIn([]*corev1.Node{node("v1.34.4", "")}) || builtIn(nil) {
		t.Error("built in where it is not, or not where it is")
	}
	if builtIn([]*corev1.Node{node("v1.34.4+k3s1", `["server","--disable-kube-proxy","true"]`), agent}) {
		t.Error("a server was told not to run it")
	}
}
