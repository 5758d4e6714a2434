// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"fastpath.cilium/lab/kubelet"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// podLife is what the simulator remembers of a pod.
type podLife struct {
	started time.Time
	node    string
	ip      string
	agent   *agentLife // nil for a pod without a Cilium agent
}

func (s *Simulator) life(pod *corev1.Pod) *podLife {
	if known, ok := s.lives.Load(pod.UID); ok {
		return known.(*podLife)
	}
	life := &podLife{started: time.Now(), node: pod.Spec.NodeName, ip: podIP(pod)}
	if isAgentPod(pod) {
		life.agent = &agentLife{}
	}
	known, _ := s.lives.LoadOrStore(pod.UID, life)
	return known.(*podLife)
}

var podCounter atomic.Uint32

// podIP is the node's address for a pod of the host's network, else one of the node's pod range.
func podIP(pod *corev1.Pod) string {
	index := nodeIndex(pod.Spec.NodeName)
	if pod.Spec.HostNetwork {
		return nodeIP(index)
	}
	return fmt.Sprintf("10.%d.%d.%d", index/256, index%256, 2+podCounter.Add(1)%250)
}

// syncPod brings one pod on: starts it, lets its agent go on with its life, or removes it.
func (s *Simulator) syncPod(ctx context.Context, key types.NamespacedName) error {
	pod, err := s.pods.Pods(key.Namespace).Get(key.Name)
	if err != nil || nodeIndex(pod.Spec.NodeName) == 0 {
		return nil // gone, or on a node that is not simulated
	}
	if pod.DeletionTimestamp != nil {
		return s.remove(ctx, pod)
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	life := s.life(pod)
	if life.agent != nil {
		if err := s.advance(ctx, pod, life.agent); err != nil {
			return err
		}
		if due := life.agent.view().nextChange; !due.IsZero() {
			s.podQueue.AddAfter(key, time.Until(due))
		}
	}
	return s.report(ctx, pod, life)
}

func (s *Simulator) advance(ctx context.Context, pod *corev1.Pod, life *agentLife) error {
	return life.advance(time.Now(), freezesConfig(pod), func(frozen map[string]string) (boot, error) {
		return s.readBoot(ctx, pod, frozen)
	})
}

// remove ends a pod at once, as a kubelet does when the containers stop on the first signal. The UID keeps a
// namesake that came in between alive.
func (s *Simulator) remove(ctx context.Context, pod *corev1.Pod) error {
	options := metav1.NewDeleteOptions(0)
	options.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
	err := s.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// report patches the pod's status where it differs from the pod's life.
func (s *Simulator) report(ctx context.Context, pod *corev1.Pod, life *podLife) error {
	want := podStatus(pod, life)
	if sameStatus(pod.Status, want) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": want})
	if err != nil {
		return err
	}
	_, err = s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch,
		metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // replaced meanwhile: the new one comes by itself
	}
	return err
}

func sameStatus(have, want corev1.PodStatus) bool {
	return have.Phase == want.Phase &&
		podReady(have.Conditions) == podReady(want.Conditions) &&
		equality.Semantic.DeepEqual(have.ContainerStatuses, want.ContainerStatuses) &&
		equality.Semantic.DeepEqual(have.InitContainerStatuses, want.InitContainerStatuses)
}

func podReady(conditions []corev1.PodCondition) corev1.ConditionStatus {
	for _, c := range conditions {
		if c.Type == corev1.PodReady {
			return c.Status
		}
	}
	return ""
}

// Container implements kubelet.Runtime.
func (s *Simulator) Container(ctx context.Context, namespace, name, container string) (*kubelet.Container, error) {
	pod, err := s.pods.Pods(namespace).Get(name)
	if err != nil {
		return nil, kubelet.ErrNoPod
	}
	known, ok := s.lives.Load(pod.UID)
	if !ok || !hasContainer(pod, container) {
		return nil, fmt.Errorf("container not found (%q)", container)
	}
	_, f, err := s.nodeFacts(ctx, pod.Spec.NodeName)
	if err != nil {
		return nil, err
	}
	c := &kubelet.Container{Name: container, Environment: identity(pod, container), Running: true, Fault: f.exec}
	if life := known.(*podLife).agent; life != nil && container == agentContainer {
		now := life.view()
		c.Running, c.Log, c.PrevLog = now.running, now.log, now.prevLog
		c.Program = program(now.agent, s.world(pod.Spec.NodeName, f))
	}
	return c, nil
}

func hasContainer(pod *corev1.Pod, name string) bool {
	for _, c := range pod.Spec.Containers {
		if c.Name == name {
			return true
		}
	}
	return false
}

func identity(pod *corev1.Pod, container string) []string {
	return []string{
		"POD_NAME=" + pod.Name, "POD_NAMESPACE=" + pod.Namespace, "POD_UID=" + string(pod.UID),
		"NODE_NAME=" + pod.Spec.NodeName, "CONTAINER_NAME=" + container,
	}
}
