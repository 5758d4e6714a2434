// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package nodes

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podStatus is what the pod's kubelet would report.
func podStatus(pod *corev1.Pod, life *podLife) corev1.PodStatus {
	started := metav1.NewTime(life.started.Truncate(time.Second)) // the API keeps whole seconds
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &started,
		HostIP: nodeIP(nodeIndex(pod.Spec.NodeName)), PodIP: life.ip, PodIPs: []corev1.PodIP{{IP: life.ip}},
	}
	status.HostIPs = []corev1.HostIP{{IP: status.HostIP}}
	if life.agent != nil {
		if failed := life.agent.view().build; failed != nil {
			return initFailing(pod, status, *failed)
		}
	}
	for _, c := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, initStatus(pod, c, started))
	}
	done := ownedByJob(pod)
	ready := !done
	for _, c := range pod.Spec.Containers {
		one := containerStatus(pod, c, life, started, done)
		ready = ready && one.Ready
		status.ContainerStatuses = append(status.ContainerStatuses, one)
	}
	if done {
		status.Phase = corev1.PodSucceeded
	}
	status.Conditions = podConditions(pod.Status.Conditions, ready)
	return status
}

func containerStatus(pod *corev1.Pod, c corev1.Container, life *podLife, started metav1.Time, done bool) corev1.ContainerStatus {
	switch {
	case done:
		return completed(baseStatus(pod, c), started)
	case life.agent != nil && c.Name == agentContainer:
		return agentStatus(pod, c, life.agent.view())
	}
	return running(baseStatus(pod, c), started)
}

func baseStatus(pod *corev1.Pod, c corev1.Container) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, ImageID: "sim://" + c.Image,
		ContainerID: fmt.Sprintf("sim://%s/%s", pod.UID, c.Name),
	}
}

func running(status corev1.ContainerStatus, started metav1.Time) corev1.ContainerStatus {
	status.Ready, status.Started = true, new(bool)
	*status.Started = true
	status.State.Running = &corev1.ContainerStateRunning{StartedAt: started}
	return status
}

func completed(status corev1.ContainerStatus, started metav1.Time) corev1.ContainerStatus {
	status.Started = new(bool)
	status.State.Terminated = &corev1.ContainerStateTerminated{
		Reason: "Completed", StartedAt: started, FinishedAt: started, ContainerID: status.ContainerID,
	}
	return status
}

// initStatus: a sidecar runs, any other init container has completed.
func initStatus(pod *corev1.Pod, c corev1.Container, started metav1.Time) corev1.ContainerStatus {
	if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
		return running(baseStatus(pod, c), started)
	}
	status := completed(baseStatus(pod, c), started)
	status.Ready = true
	return status
}

// initFailing is a pod whose init container `config` fails: those after it, and all containers, wait for it.
func initFailing(pod *corev1.Pod, status corev1.PodStatus, failed build) corev1.PodStatus {
	status.Phase = corev1.PodPending
	before := true
	for _, c := range pod.Spec.InitContainers {
		one := pending(baseStatus(pod, c))
		switch {
		case c.Name == configContainer:
			one, before = failingInit(pod, c, failed), false
		case before:
			one = initStatus(pod, c, *status.StartTime)
		}
		status.InitContainerStatuses = append(status.InitContainerStatuses, one)
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, pending(baseStatus(pod, c)))
	}
	status.Conditions = podConditions(pod.Status.Conditions, false)
	return status
}

func pending(status corev1.ContainerStatus) corev1.ContainerStatus {
	status.ContainerID, status.Started = "", new(bool)
	status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
	return status
}

func failingInit(pod *corev1.Pod, c corev1.Container, failed build) corev1.ContainerStatus {
	status := baseStatus(pod, c)
	status.RestartCount, status.Started = int32(failed.failed), new(bool)
	status.LastTerminationState.Terminated = terminated(status, failed.last)
	if failed.running {
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(failed.last.finished.Truncate(time.Second))}
		return status
	}
	status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff",
		Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
			backOff(failed.failed), c.Name, pod.Name, pod.Namespace, pod.UID)}
	return status
}

func agentStatus(pod *corev1.Pod, c corev1.Container, now view) corev1.ContainerStatus {
	status := baseStatus(pod, c)
	status.ContainerID += fmt.Sprintf("/%d", now.restarts)
	status.RestartCount = int32(now.restarts)
	if now.last != nil {
		status.LastTerminationState.Terminated = terminated(status, *now.last)
	}
	if !now.running {
		status.Started = new(bool)
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
				backOff(now.restarts), c.Name, pod.Name, pod.Namespace, pod.UID)}
		return status
	}
	status = running(status, metav1.NewTime(now.started.Truncate(time.Second)))
	status.Ready = now.ready
	*status.Started = now.agent != nil
	return status
}

func terminated(status corev1.ContainerStatus, last termination) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{
		ExitCode: int32(last.code), Reason: "Error", Message: last.message,
		StartedAt:   metav1.NewTime(last.started.Truncate(time.Second)),
		FinishedAt:  metav1.NewTime(last.finished.Truncate(time.Second)),
		ContainerID: status.ContainerID,
	}
}

func podConditions(former []corev1.PodCondition, ready bool) []corev1.PodCondition {
	readiness := corev1.ConditionTrue
	if !ready {
		readiness = corev1.ConditionFalse
	}
	conditions := []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue},
		{Type: corev1.PodInitialized, Status: corev1.ConditionTrue},
		{Type: corev1.ContainersReady, Status: readiness},
		{Type: corev1.PodReady, Status: readiness},
	}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	for i := range conditions {
		c := &conditions[i]
		c.LastTransitionTime = now
		if c.Status == corev1.ConditionFalse {
			c.Reason = "ContainersNotReady"
		}
		for _, old := range former {
			if old.Type == c.Type && old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
		}
	}
	return conditions
}

// ownedByJob tells the pods that are to end from those that are to stay.
func ownedByJob(pod *corev1.Pod) bool {
	for _, owner := range pod.OwnerReferences {
		if owner.Kind == "Job" {
			return true
		}
	}
	return false
}
