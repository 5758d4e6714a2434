// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

const fieldManager = "lab"

// runApply applies the objects of YAML files, as `kubectl apply --server-side` would.
func runApply(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("apply", flag.ExitOnError)
	path := flags.String("kubeconfig", "", "kubeconfig file")
	_ = flags.Parse(args) // ExitOnError
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, err := newApplier(*path)
	if err != nil {
		return err
	}
	for _, file := range flags.Args() {
		if err := a.applyFile(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

type applier struct {
	client    dynamic.Interface
	discovery discovery.DiscoveryInterface
}

func newApplier(kubeconfig string) (*applier, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	return &applier{client: client, discovery: d}, err
}

func (a *applier) applyFile(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if len(object.Object) == 0 {
			continue // an empty document between two separators
		}
		if err := a.applyDocument(ctx, object); err != nil {
			return err
		}
	}
}

// applyDocument takes one object, or the items of a List.
func (a *applier) applyDocument(ctx context.Context, object *unstructured.Unstructured) error {
	if !object.IsList() {
		return a.named(ctx, object)
	}
	return object.EachListItem(func(item runtime.Object) error { return a.named(ctx, item.(*unstructured.Unstructured)) })
}

func (a *applier) named(ctx context.Context, object *unstructured.Unstructured) error {
	if err := a.apply(ctx, object); err != nil {
		return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

func (a *applier) apply(ctx context.Context, object *unstructured.Unstructured) error {
	groups, err := restmapper.GetAPIGroupResources(a.discovery)
	if err != nil {
		return err
	}
	kind := object.GroupVersionKind()
	mapping, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	resource := a.client.Resource(mapping.Resource)
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
	if namespace := object.GetNamespace(); namespace != "" {
		_, err = resource.Namespace(namespace).Apply(ctx, object.GetName(), object, options)
	} else {
		_, err = resource.Apply(ctx, object.GetName(), object, options)
	}
	if err == nil && kind.Kind == "CustomResourceDefinition" {
		return waitEstablished(ctx, resource, object.GetName())
	}
	return err
}

// waitEstablished waits until the API server serves the new resource: an object created earlier is refused.
func waitEstablished(ctx context.Context, resource dynamic.ResourceInterface, name string) error {
	for ctx.Err() == nil {
		crd, err := resource.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
		for _, condition := range conditions {
			c, _ := condition.(map[string]any)
			if c["type"] == "Established" && c["status"] == "True" {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}
