// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"reflect"
	"testing"
	"time"

	"fastpath.cilium/lab/agent"
	corev1 "k8s.io/api/core/v1"
)

func TestFactsWithoutAnnotations(t *testing.T) {
	f, problems := parseFacts(7, nil)
	want := facts{kernel: "6.2.0-26-generic", kubelet: "v1.34.4", health: "ok", ready: true,
		devices: []agent.Device{{Name: "eth0", Driver: "virtio_net", IP: "192.168.7.10"}},
		place:   agent.Place{Routed: true},
		agent:   agentFault{startDelay: 300 * time.Millisecond}}
	if !reflect.DeepEqual(f, want) || len(problems) != 0 {
		t.Errorf("facts %+v, problems %v", f, problems)
	}
}

func TestFactsFollowAnnotations(t *testing.T) {
	f, problems := parseFacts(2, map[string]string{
		annotationKernel: "5.4.0-150-generic", annotationKubelet: "v1.34.4+k3s1", annotationDevices: "eth0=virtio_net, eth1=mlx5_core",
		annotationHealth: "warning", annotationReady: "false", annotationAgent: "crash:no: luck", annotationExec: "unreachable",
	})
	devices := []agent.Device{{Name: "eth0", Driver: "virtio_net", IP: "192.168.2.10"},
		{Name: "eth1", Driver: "mlx5_core", IP: "192.168.2.11"}}
	if len(problems) != 0 || f.kernel != "5.4.0-150-generic" || f.kubelet != "v1.34.4+k3s1" || !reflect.DeepEqual(f.devices, devices) ||
		f.health != "warning" || f.ready || f.agent.crash != "no: luck" || !f.exec.Unreachable() {
		t.Errorf("facts %+v, problems %v", f, problems)
	}
}

func TestAgentFaults(t *testing.T) {
	usual := 300 * time.Millisecond
	for text, want := range map[string]agentFault{
		"never-ready":     {neverReady: true, startDelay: usual},
		"flap":            {flap: true, startDelay: usual},
		"start-delay:2.5": {startDelay: 2500 * time.Millisecond},
		"start-delay:0":   {},
	} {
		if got, err := parseAgentFault(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestWhatCannotBeUnderstoodIsNamedAndCountsAsNotGiven(t *testing.T) {
	plain, _ := parseFacts(1, nil)
	for key, value := range map[string]string{
		annotationDevices: "eth0", annotationHealth: "fine", annotationExec: "exit:300:x",
		annotationAgent: "start-delay:-1", annotationRoutes: "perhaps",
	} {
		f, problems := parseFacts(1, map[string]string{key: value})
		if len(problems) != 1 || !reflect.DeepEqual(f, plain) {
			t.Errorf("%s=%s: facts %+v, problems %v", key, value, f, problems)
		}
	}
}

func TestAnotherKernelTakesAReboot(t *testing.T) {
	f, _ := parseFacts(1, nil)
	first := nodeInfo(f, corev1.NodeSystemInfo{})
	same := nodeInfo(f, first)
	if same != first {
		t.Errorf("identity changed without a reason: %+v, %+v", first, same)
	}
	f.kernel = "6.9.0"
	after := nodeInfo(f, first)
	if after.BootID == first.BootID || after.MachineID != first.MachineID || after.SystemUUID != first.SystemUUID {
		t.Errorf("before %+v, after %+v", first, after)
	}
	if other := nodeInfo(f, corev1.NodeSystemInfo{}); other.MachineID == first.MachineID {
		t.Error("two machines have one ID")
	}
}

func TestNodeAddressesDiffer(t *testing.T) {
	seen := map[string]int{}
	for index := 1; index <= 1000; index++ {
		for _, address := range []string{deviceIP(index, 0), deviceIP(index, 1), podCIDR(index)} {
			if other, ok := seen[address]; ok {
				t.Fatalf("nodes %d and %d share %s", other, index, address)
			}
			seen[address] = index
		}
		if nodeIndex(nodeName(index)) != index {
			t.Fatalf("%s is not node %d", nodeName(index), index)
		}
	}
	for _, name := range []string{"node-", "node-01", "worker-1", "node-x"} {
		if nodeIndex(name) != 0 {
			t.Errorf("%s counts as simulated", name)
		}
	}
}

func TestAgentVersionIsTheImagesTag(t *testing.T) {
	for image, want := range map[string]string{
		"quay.io/cilium/cilium:v1.13.4@sha256:bde8800d61aaad8b": "1.13.4",
		"localhost:5000/cilium/cilium:v1.20.0":                  "1.20.0",
		"rancher/mirrored-cilium-cilium:v1.16.19":               "1.16.19",
		"cilium:1.18.12":               "1.18.12",
		"localhost:5000/cilium/cilium": "",
	} {
		if got := agentVersion(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		segment, routes string
		want            agent.Place
	}{
		{"", "", agent.Place{Routed: true}}, {"", "false", agent.Place{}},
		{"rack-1", "", agent.Place{Segment: "rack-1"}}, {"rack-1", "true", agent.Place{Segment: "rack-1", Routed: true}},
	} {
		f, problems := parseFacts(1, map[string]string{annotationSegment: c.segment, annotationRoutes: c.routes})
		if f.place != c.want || len(problems) != 0 {
			t.Errorf("%+v: %+v, problems %v", c, f.place, problems)
		}
	}
}
