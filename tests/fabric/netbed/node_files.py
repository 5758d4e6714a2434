# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node's daemons are told: their configurations and command lines, pure."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .host import CONTROLLERS, program
from .places import CNI_PLUGINS
from .plan import POD_RANGES, Node

PAUSE_IMAGE = "fabric.local/pause:1"
CLUSTER_DNS = "10.96.0.10"  # nobody answers there

CONTAINERD = """version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # A node may be where nobody may lower a score: then containers keep that of their parent.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{conf}"
"""


@dataclass(frozen=True)
class NodeFiles:
    """The files of one node below `folder`; `pki` holds its kubeconfig."""

    node: Node
    folder: Path
    pki: Path
    cluster_program: Path
    images: list[Path]

    @property
    def facts_file(self) -> Path:
        return self.folder / "node.json"

    @property
    def ready_file(self) -> Path:
        return self.folder / "ready"

    def write(self) -> None:
        conf = self.folder / "cni"
        conf.mkdir(parents=True, exist_ok=True)
        (conf / "10-fabric.conflist").write_text(json.dumps(self.network(), indent=2) + "\n", encoding="utf-8")
        (self.folder / "containerd.toml").write_text(
            CONTAINERD.format(pause=PAUSE_IMAGE, plugins=CNI_PLUGINS, conf=conf), encoding="utf-8")
        (self.folder / "resolv.conf").write_text(f"nameserver {CLUSTER_DNS}\n", encoding="utf-8")
        (self.folder / "kubelet.json").write_text(json.dumps(self.kubelet(), indent=2) + "\n", encoding="utf-8")
        self.facts_file.write_text(json.dumps(self.facts(), indent=2) + "\n", encoding="utf-8")
        self.ready_file.unlink(missing_ok=True)

    def network(self) -> dict[str, Any]:
        ranges = [[{"subnet": pods}] for pods in self.node.pods]
        bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
                  "ipam": {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}
        return {"cniVersion": "1.0.0", "name": "fabric",
                "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]}

    def kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failCgroupV1": False,
            "cgroupDriver": "cgroupfs", "cgroupRoot": "/", "failSwapOn": False,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": str(self.pki / "ca.crt")}},
            "authorization": {"mode": "Webhook"}, "clusterDomain": "cluster.local", "clusterDNS": [CLUSTER_DNS],
            "resolvConf": str(self.folder / "resolv.conf"), "nodeStatusUpdateFrequency": "2s", "nodeLeaseDurationSeconds": 8,
            # Nothing is evicted for what others have on this machine's disk.
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%",
                             "nodefs.inodesFree": "1%"},
            "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99, "volumeStatsAggPeriod": "-1s",
            "syncFrequency": "5s", "maxPods": 60,
        }

    def facts(self) -> dict[str, Any]:
        cluster, name = str(self.cluster_program), self.node.name
        return {
            "name": name, "disk": str(self.folder / "disk"), "logs": str(self.folder / "logs"),
            "ready": str(self.ready_file), "controllers": list(CONTROLLERS), "ctr": program("ctr"),
            "images": [str(path) for path in self.images],
            "containerd": [program("containerd"), "--config", str(self.folder / "containerd.toml")],
            "kubelet": [cluster, "kubelet", f"--config={self.folder / 'kubelet.json'}",
                        f"--kubeconfig={self.pki / name}.kubeconfig", f"--hostname-override={name}",
                        f"--node-ip={','.join(self.node.addresses)}", "--v=2"],
            "kube_proxy": [cluster, "kube-proxy", f"--kubeconfig={self.pki / 'kube-proxy.kubeconfig'}",
                           f"--hostname-override={name}", "--proxy-mode=nftables", f"--cluster-cidr={','.join(POD_RANGES)}",
                           # The limits of connection tracking are the whole machine's.
                           "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0",
                           "--conntrack-tcp-timeout-close-wait=0", "--v=2"],
        }
