// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package main

import (
	"context"
	"flag"
	"path/filepath"

	"fastpath.cilium/lab/kubelet"
	"fastpath.cilium/lab/nodes"
	"k8s.io/client-go/tools/clientcmd"
)

// runNodes simulates the nodes, their pods and their kubelets' ports until ctx ends.
func runNodes(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("nodes", flag.ExitOnError)
	path := flags.String("kubeconfig", "", "kubeconfig file of the API server")
	pki := flags.String("pki", "", "folder with ca.crt, kubelet.crt and kubelet.key")
	options := nodes.Options{}
	flags.IntVar(&options.KubeletPort, "kubelet-port", 0, "port of all simulated kubelets")
	flags.IntVar(&options.ClosedPort, "closed-port", 0, "port on which nothing listens")
	flags.IntVar(&options.Count, "count", 3, "how many nodes")
	_ = flags.Parse(args) // ExitOnError
	config, err := clientcmd.BuildConfigFromFlags("", *path)
	if err != nil {
		return err
	}
	simulator, err := nodes.New(config, options)
	if err != nil {
		return err
	}
	if err := simulator.Start(ctx); err != nil {
		return err
	}
	// Not earlier: exec and logs look pods up in the simulator's caches.
	server, err := kubelet.Serve(ctx, kubelet.Listen{
		Port: options.KubeletPort, ClientCA: filepath.Join(*pki, "ca.crt"),
		Certificate: filepath.Join(*pki, "kubelet.crt"), Key: filepath.Join(*pki, "kubelet.key"),
	}, simulator)
	if err != nil {
		return err
	}
	defer server.Close()
	return simulator.Run(ctx)
}
