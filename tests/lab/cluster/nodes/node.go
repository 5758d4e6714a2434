// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
)

const (
	kubeletVersion = "v1.34.4"
	namePrefix     = "node-"
	parallel       = 16 // requests at once while nodes are registered
)

func nodeName(index int) string { return namePrefix + strconv.Itoa(index) }

// nodeIndex is the inverse of nodeName; 0 for a node that is not simulated.
func nodeIndex(name string) int {
	index, err := strconv.Atoi(strings.TrimPrefix(name, namePrefix))
	if err != nil || nodeName(index) != name {
		return 0
	}
	return index
}

// deviceIP is 192.168.<node>.<10+device>; from node 256 on the second number counts on.
func deviceIP(index, device int) string {
	return fmt.Sprintf("192.%d.%d.%d", 168+index/256, index%256, 10+device)
}

func nodeIP(index int) string { return deviceIP(index, 0) }

func podCIDR(index int) string { return fmt.Sprintf("10.%d.%d.0/24", index/256, index%256) }

// registerAll creates the nodes, several at a time.
func (s *Simulator) registerAll(ctx context.Context) error {
	indices := make(chan int)
	failures := make(chan error, s.options.Count)
	var workers sync.WaitGroup
	for range parallel {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for index := range indices {
				if err := s.register(ctx, index); err != nil {
					failures <- err
				}
			}
		}()
	}
	for index := 1; index <= s.options.Count; index++ {
		indices <- index
	}
	close(indices)
	workers.Wait()
	close(failures)
	return <-failures // nil when there was none
}

func (s *Simulator) register(ctx context.Context, index int) error {
	nodes := s.client.CoreV1().Nodes()
	created, err := nodes.Create(ctx, s.newNode(index), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	// A new node is tainted not-ready until a controller comes by, some 9 s later.
	untaint := []byte(`{"spec":{"taints":null}}`)
	_, err = nodes.Patch(ctx, created.Name, types.MergePatchType, untaint, metav1.PatchOptions{})
	return err
}

func (s *Simulator) newNode(index int) *corev1.Node {
	f, _ := parseFacts(index, nil)
	name := nodeName(index)
	labels := map[string]string{
		corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
	}
	if index == 1 {
		labels["node-role.kubernetes.io/control-plane"] = "true"
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	node.Spec.PodCIDR = podCIDR(index)
	node.Spec.PodCIDRs = []string{node.Spec.PodCIDR}
	node.Status = s.nodeStatus(index, f, corev1.NodeStatus{})
	return node
}

// nodeStatus is what the node's kubelet would report; identities that last are taken over from former.
func (s *Simulator) nodeStatus(index int, f facts, former corev1.NodeStatus) corev1.NodeStatus {
	resources := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"),
		corev1.ResourcePods: resource.MustParse("250"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	return corev1.NodeStatus{
		Capacity: resources, Allocatable: resources,
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: nodeIP(index)},
			{Type: corev1.NodeHostName, Address: nodeName(index)},
			// How the API server reaches the simulated kubelet (--kubelet-preferred-address-types).
			{Type: corev1.NodeInternalDNS, Address: "127.0.0.1"},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: s.kubeletPort(f)}},
		NodeInfo:        nodeInfo(f, former.NodeInfo),
		Conditions:      nodeConditions(f, former.Conditions),
	}
}

func (s *Simulator) kubeletPort(f facts) int32 {
	if f.exec.Unreachable() {
		return int32(s.options.ClosedPort)
	}
	return int32(s.options.KubeletPort)
}

// nodeInfo keeps the machine's identity and gives a new boot ID with another kernel: that takes a reboot.
func nodeInfo(f facts, former corev1.NodeSystemInfo) corev1.NodeSystemInfo {
	info := corev1.NodeSystemInfo{
		KernelVersion: f.kernel, OSImage: "Ubuntu 22.04.2 LTS", OperatingSystem: "linux", Architecture: "amd64",
		ContainerRuntimeVersion: "containerd://1.7.0-sim", KubeletVersion: f.kubelet,
		MachineID: former.MachineID, SystemUUID: former.SystemUUID, BootID: former.BootID,
	}
	if info.MachineID == "" {
		info.MachineID = strings.ReplaceAll(string(uuid.NewUUID()), "-", "")
		info.SystemUUID = string(uuid.NewUUID())
	}
	if former.KernelVersion != f.kernel {
		info.BootID = string(uuid.NewUUID())
	}
	return info
}

func nodeConditions(f facts, former []corev1.NodeCondition) []corev1.NodeCondition {
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
		Message: "kubelet is posting ready status"}
	if !f.ready {
		ready.Status, ready.Reason, ready.Message = corev1.ConditionFalse, "KubeletNotReady", "annotation "+annotationReady
	}
	conditions := []corev1.NodeCondition{
		ready,
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID"},
		{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse, Reason: "CiliumIsUp"},
	}
	now := metav1.Now()
	for i := range conditions {
		conditions[i].LastHeartbeatTime, conditions[i].LastTransitionTime = now, now
		for _, old := range former {
			if old.Type == conditions[i].Type && old.Status == conditions[i].Status {
				conditions[i].LastHeartbeatTime, conditions[i].LastTransitionTime = old.LastHeartbeatTime, old.LastTransitionTime
			}
		}
	}
	return conditions
}

// syncNode makes a node's status follow its annotations.
func (s *Simulator) syncNode(ctx context.Context, name string) error {
	index := nodeIndex(name)
	node, err := s.nodes.Get(name)
	if err != nil || index == 0 {
		return nil // deleted, or somebody else's
	}
	f, problems := parseFacts(index, node.Annotations)
	for _, problem := range problems {
		s.log("%s: %v", name, problem)
	}
	if sameNode(node.Status, f, s.kubeletPort(f)) {
		return nil
	}
	want := s.nodeStatus(index, f, node.Status)
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"nodeInfo": want.NodeInfo, "conditions": want.Conditions, "daemonEndpoints": want.DaemonEndpoints,
	}})
	if err != nil {
		return err
	}
	_, err = s.client.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func sameNode(status corev1.NodeStatus, f facts, port int32) bool {
	return status.NodeInfo.KernelVersion == f.kernel && status.NodeInfo.KubeletVersion == f.kubelet &&
		status.DaemonEndpoints.KubeletEndpoint.Port == port &&
		nodeReady(status.Conditions) == f.ready
}

func nodeReady(conditions []corev1.NodeCondition) bool {
	for _, c := range conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
