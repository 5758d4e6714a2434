// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package main

import (
	"context"
	"flag"

	etcdflags "go.etcd.io/etcd/pkg/v3/flags"
	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd is the etcd program: it takes the same flags, so that a ready-made binary can stand in for it.
func runEtcd(ctx context.Context, args []string) error {
	config := embed.NewConfig()
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	config.AddFlags(flags)
	_ = flags.Parse(args) // ExitOnError
	// The library parses lists of URLs but leaves it to the program to take them over.
	config.ListenClientUrls = etcdflags.UniqueURLsFromFlag(flags, "listen-client-urls")
	config.AdvertiseClientUrls = etcdflags.UniqueURLsFromFlag(flags, "advertise-client-urls")
	config.ListenPeerUrls = etcdflags.UniqueURLsFromFlag(flags, "listen-peer-urls")
	config.AdvertisePeerUrls = etcdflags.UniqueURLsFromFlag(flags, "initial-advertise-peer-urls")
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-server.Err():
		return err
	}
}
