// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Command cluster is the lab's Kubernetes: etcd, the control plane and simulated nodes in one binary.
//
// `cluster up` supervises the components, each of them this same binary under another first argument:
// the components' flags and metrics live in process-wide registries that do not bear company.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fastpath.cilium/lab/controlplane"
	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcm "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	realkubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

const usage = "usage: cluster up|apply|nodes|etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubelet|kube-proxy [flags]"

// components are the upstream programs this binary contains; the last two are for real nodes (tests/fabric).
var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": kcm.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return realkubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
}

// commands are the lab's own.
var commands = map[string]func(ctx context.Context, args []string) error{
	"up":    controlplane.Up,
	"etcd":  runEtcd,
	"nodes": runNodes,
	"apply": runApply,
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	os.Exit(dispatch(os.Args[1], os.Args[2:]))
}

func dispatch(name string, args []string) int {
	if component, ok := components[name]; ok {
		os.Args = append([]string{name}, args...)
		return cli.Run(component())
	}
	if command, ok := commands[name]; ok {
		return runCommand(name, command, args)
	}
	fmt.Fprintln(os.Stderr, usage)
	return 2
}

func runCommand(name string, command func(context.Context, []string) error, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := command(ctx, args); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}
