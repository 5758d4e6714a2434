// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Package nodes simulates Kubernetes nodes and what their kubelets do with pods.
package nodes

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

const workersPerQueue = 16

// Options of a simulator.
type Options struct {
	Count                   int // how many nodes
	KubeletPort, ClosedPort int
}

type queue = workqueue.TypedRateLimitingInterface[types.NamespacedName]

// Simulator plays the kubelets of all nodes. It implements kubelet.Runtime.
type Simulator struct {
	options   Options
	server    string // host and port of the API server
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	informers informers.SharedInformerFactory
	pods      corelisters.PodLister
	nodes     corelisters.NodeLister
	podQueue  queue
	nodeQueue queue
	lives     sync.Map // pod UID -> *podLife
}

// New makes a simulator that talks to the API server of config.
func New(config *rest.Config, options Options) (*Simulator, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // no throttle on the client's side
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Simulator{
		options: options, server: strings.TrimPrefix(config.Host, "https://"), client: client, dynamic: dynamicClient,
		podQueue: newQueue(), nodeQueue: newQueue(),
	}, nil
}

func newQueue() queue {
	return workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](50*time.Millisecond, 5*time.Second))
}

// Start registers the nodes and returns once the caches hold the cluster's nodes and scheduled pods.
func (s *Simulator) Start(ctx context.Context) error {
	if err := s.registerAll(ctx); err != nil {
		return err
	}
	s.log("%d nodes registered", s.options.Count)
	s.informers = informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithTransform(dropManagedFields))
	nodes := s.informers.Core().V1().Nodes()
	s.nodes = nodes.Lister()
	pods := s.scheduledPods()
	s.pods = corelisters.NewPodLister(pods.GetIndexer())
	if err := s.watch(nodes.Informer(), pods); err != nil {
		return err
	}
	s.informers.Start(ctx.Done())
	s.informers.WaitForCacheSync(ctx.Done())
	return ctx.Err()
}

// scheduledPods leaves out the pods that have no node yet.
func (s *Simulator) scheduledPods() cache.SharedIndexInformer {
	return s.informers.InformerFor(&corev1.Pod{}, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		scheduled := fields.OneTermNotEqualSelector("spec.nodeName", "")
		list := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, scheduled)
		return cache.NewSharedIndexInformer(list, &corev1.Pod{}, resync,
			cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc, nodeIndexName: byNode})
	})
}

const nodeIndexName = "node"

func byNode(object any) ([]string, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil, fmt.Errorf("%T is no pod", object)
	}
	return []string{pod.Spec.NodeName}, nil
}

func dropManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}

func (s *Simulator) watch(nodes, pods cache.SharedIndexInformer) error {
	enqueuePod := func(object any) { enqueue(s.podQueue, object) }
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueuePod,
		UpdateFunc: func(_, object any) { enqueuePod(object) },
		DeleteFunc: s.forget,
	}); err != nil {
		return err
	}
	onNode := func(object any) {
		enqueue(s.nodeQueue, object)
		if node, ok := object.(*corev1.Node); ok { // its pods' Ready conditions follow the node's
			onIt, _ := pods.GetIndexer().ByIndex(nodeIndexName, node.Name)
			for _, pod := range onIt {
				enqueuePod(pod)
			}
		}
	}
	_, err := nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: onNode, UpdateFunc: func(_, object any) { onNode(object) },
	})
	return err
}

func enqueue(q queue, object any) {
	if accessor, err := meta.Accessor(object); err == nil {
		q.Add(types.NamespacedName{Namespace: accessor.GetNamespace(), Name: accessor.GetName()})
	}
}

func (s *Simulator) forget(object any) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		s.lives.Delete(pod.UID)
	}
}

// Run keeps nodes and pods as the cluster wants them until ctx ends.
func (s *Simulator) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range workersPerQueue {
		workers.Add(2)
		go func() { defer workers.Done(); s.work(ctx, s.podQueue, s.syncPod) }()
		go func() {
			defer workers.Done()
			s.work(ctx, s.nodeQueue, func(ctx context.Context, key types.NamespacedName) error { return s.syncNode(ctx, key.Name) })
		}()
	}
	<-ctx.Done()
	s.podQueue.ShutDown()
	s.nodeQueue.ShutDown()
	workers.Wait()
	return nil
}

func (s *Simulator) work(ctx context.Context, q queue, sync func(context.Context, types.NamespacedName) error) {
	for {
		key, stop := q.Get()
		if stop {
			return
		}
		if err := sync(ctx, key); err != nil && ctx.Err() == nil {
			s.log("%s: %v", key, err)
			q.AddRateLimited(key)
		} else {
			q.Forget(key)
		}
		q.Done(key)
	}
}

// nodeFacts asks the API server, not the cache: what is annotated now holds for the very next start or exec.
func (s *Simulator) nodeFacts(ctx context.Context, name string) (*corev1.Node, facts, error) {
	node, err := s.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, facts{}, err
	}
	f, _ := parseFacts(nodeIndex(name), node.Annotations) // syncNode logs the problems
	return node, f, nil
}

func (s *Simulator) log(format string, values ...any) {
	stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000Z ")
	fmt.Fprintf(os.Stderr, stamp+format+"\n", values...)
}
