# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random clusters: what stands in cilium-config, which kernels and devices there are; and the facts one would read of them.

Written from the settings tables of Cilium; nothing of it comes from the catalogue.
"""
from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import parse_status

VERSIONS = ("1.11.20", "1.12.19", "1.13.4", "1.14.19", "1.15.19", "1.16.19", "1.17.18", "1.18.12", "1.19.6", "1.20.0")
KERNELS = ("4.19.90-generic", "5.4.0-150-generic", "5.10.0-28-amd64", "5.15.0-91-generic", "5.19.0-50-generic",
           "6.2.0-26-generic", "6.8.0-45-generic", "6.12.0-1-amd64")
DRIVERS = ("virtio_net", "mlx5_core", "ena", "ice", "e1000e")

# key, values, first minor, last minor, how often it is there at all
SETTINGS: tuple[tuple[str, tuple[str, ...], int, int, float], ...] = (
    ("tunnel", ("vxlan", "geneve", "disabled", "disabled", "disabled"), 11, 13, 0.9),
    ("routing-mode", ("tunnel", "native", "native", "native"), 14, 99, 0.9),
    ("tunnel-protocol", ("vxlan", "geneve"), 14, 99, 0.4),
    ("enable-bpf-masquerade", ("true", "true", "false"), 11, 99, 0.8),
    ("enable-ipv4", ("true",), 11, 99, 0.7),
    ("enable-ipv6", ("false", "false", "true"), 11, 99, 0.95),
    ("enable-ipv4-masquerade", ("true", "true", "true", "false"), 11, 99, 0.5),
    ("enable-ipv6-masquerade", ("true", "false"), 11, 99, 0.5),
    ("enable-remote-node-identity", ("true", "true", "false"), 11, 15, 0.3),
    ("egress-masquerade-interfaces", ("eth0",), 11, 99, 0.05),
    ("enable-ipsec", ("true",), 11, 99, 0.06),
    ("enable-wireguard", ("true",), 11, 99, 0.06),
    ("enable-endpoint-routes", ("true",), 11, 99, 0.1),
    ("enable-host-legacy-routing", ("true", "false"), 11, 99, 0.15),
    ("bpf-lb-mode", ("snat", "dsr", "hybrid"), 11, 99, 0.4),
    ("bpf-lb-dsr-dispatch", ("opt", "geneve", "ipip"), 11, 99, 0.25),
    ("bpf-lb-mode-annotation", ("true", "false"), 17, 99, 0.3),
    ("bpf-lb-acceleration", ("disabled", "native", "best-effort"), 11, 99, 0.25),
    ("bpf-lb-algorithm", ("random", "maglev"), 11, 99, 0.3),
    ("bpf-lb-maglev-table-size", ("16381", "65521"), 11, 99, 0.2),
    ("enable-bandwidth-manager", ("true", "false"), 11, 99, 0.4),
    ("enable-bbr", ("true", "false"), 12, 99, 0.25),
    ("enable-bbr-hostns-only", ("true", "false"), 18, 99, 0.15),
    ("enable-ipv6-big-tcp", ("true", "false"), 13, 99, 0.2),
    ("enable-ipv4-big-tcp", ("true", "false"), 14, 99, 0.2),
    ("install-no-conntrack-iptables-rules", ("true", "false"), 11, 99, 0.2),
    ("datapath-mode", ("veth", "veth", "netkit"), 16, 99, 0.2),
    ("enable-bpf-tproxy", ("true",), 11, 99, 0.05),
    ("bpf-lb-sock", ("true", "false"), 12, 99, 0.2),
    ("bpf-lb-sock-hostns-only", ("true",), 11, 99, 0.1),
    ("bpf-map-dynamic-size-ratio", ("0.0025", "0.08"), 11, 99, 0.6),
    ("bpf-distributed-lru", ("true", "false"), 17, 99, 0.2),
    ("bpf-ct-global-tcp-max", ("131072", "524288"), 11, 99, 0.15),
    ("bpf-ct-global-any-max", ("65536", "262144"), 11, 99, 0.15),
    ("bpf-nat-global-max", ("65536", "131072", "524288"), 11, 99, 0.15),
    ("enable-nat46x64-gateway", ("true",), 13, 99, 0.03),
    ("auto-direct-node-routes", ("true", "false"), 11, 99, 0.3),
    ("ipv4-native-routing-cidr", ("10.0.0.0/8",), 11, 99, 0.8),
    ("ipv6-native-routing-cidr", ("fd00::/104",), 12, 99, 0.3),
    ("cluster-pool-ipv4-cidr", ("10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/9 10.128.0.0/9"), 11, 99, 0.8),
    ("cluster-pool-ipv6-cidr", ("fd00::/104",), 11, 99, 0.8),
    ("ipam", ("cluster-pool", "cluster-pool", "kubernetes", "eni"), 11, 99, 0.4),
    ("cluster-id", ("0", "0", "3"), 11, 99, 0.5),
    ("enable-health-checking", ("true", "false"), 11, 99, 0.1),
    ("enable-pmtu-discovery", ("true", "false"), 13, 99, 0.2),
    ("enable-bpf-clock-probe", ("true", "false"), 11, 99, 0.5),
    ("monitor-aggregation", ("none", "medium", "maximum"), 11, 99, 0.6),
    ("enable-hubble", ("true",), 11, 99, 0.6),
    ("mtu", ("1500", "9000"), 11, 99, 0.1),
    ("underlay-protocol", ("ipv4", "ipv6"), 18, 99, 0.05),
    ("enable-tunnel-big-tcp", ("true",), 19, 99, 0.1),
)


SERVICE_ADDRESS, API_ADDRESS = "10.96.0.1", "192.0.2.10"
REPLACED = ("strict", "true")


@dataclass
class Cluster:
    """Nodes with a kernel and devices each, one version of Cilium, one ConfigMap. `answers`: what each agent said.

    `kube_proxy`: daemonset, k3s, static_pod or none. `address`: the API's as agents are given it, None where they use its
    Service. `running`: the address that each agent started with.
    """

    version: str
    config: dict[str, str]
    kernels: list[str]
    devices: list[list[str]]
    started: list[dict[str, str]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    node_configs: list[dict[str, Any]] = field(default_factory=list)
    kube_proxy: str = "none"
    kept_off: bool = False
    address: str | None = None
    port: str = "6443"
    running: dict[str, tuple[str | None, str]] = field(default_factory=dict)

    @property
    def finds_the_api(self) -> bool:
        """Whether an agent that starts now comes up: a Service's address leads nowhere without kube-proxy."""
        proxied = self.kube_proxy != "none" and not self.kept_off
        return proxied or self.address not in (None, SERVICE_ADDRESS)

    @property
    def minor(self) -> int:
        return int(self.version.split(".")[1])

    @property
    def names(self) -> list[str]:
        return [f"node-{number}" for number in range(1, len(self.kernels) + 1)]

    @property
    def node_config_api(self) -> str | None:
        """CiliumNodeConfigs came with 1.13, and became v2 with 1.16."""
        return None if self.minor < 13 else "cilium.io/v2alpha1" if self.minor < 16 else "cilium.io/v2"

    def inputs(self, config: dict[str, str] | None = None, node_configs: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """One input for every agent that starts with this configuration, each with what its node has over it."""
        common = self.config if config is None else config
        laid_over = self.node_configs if node_configs is None else node_configs
        return [{"Version": self.version, "Config": effective(common, laid_over, f"node-{number}"),
                 "Host": {"NodeName": f"node-{number}", "Kernel": kernel, "Devices": [
                     {"Name": f"eth{index}", "Driver": driver, "IP": f"192.168.{number}.{10 + index}"}
                     for index, driver in enumerate(drivers)]}}
                for number, (kernel, drivers) in enumerate(zip(self.kernels, self.devices), 1)]


def effective(config: dict[str, str], node_configs: list[dict[str, Any]], node: str) -> dict[str, str]:
    """cilium-config as the agent of this node gets it: the CiliumNodeConfigs of its host name laid over it, by name."""
    found = dict(config)
    for one in sorted(node_configs, key=lambda one: one["name"]):
        rule, = one["node_selector"]["matchExpressions"]
        assert (rule["key"], rule["operator"]) == ("kubernetes.io/hostname", "In")
        if f"host-{node}" in rule["values"]:
            found.update(one["defaults"])
    return found


def draw(rng: random.Random) -> Cluster:
    version = rng.choice(VERSIONS)
    minor = int(version.split(".")[1])
    config = {key: rng.choice(values) for key, values, since, until, share in SETTINGS
              if since <= minor <= until and rng.random() < share}
    if minor <= 13:
        config["kube-proxy-replacement"] = rng.choice(("strict", "strict", "strict", "disabled", "partial"))
    else:
        config["kube-proxy-replacement"] = rng.choice(("true", "true", "true", "false"))
    nodes = rng.randint(1, 3)
    kernel = rng.choice(KERNELS)
    kernels = [kernel if rng.random() < 0.6 else rng.choice(KERNELS) for _node in range(nodes)]
    devices = [[rng.choice(DRIVERS) for _device in range(rng.choice((1, 1, 1, 2)))] for _node in range(nodes)]
    drawn = Cluster(version, config, kernels, devices)
    drawn.kube_proxy, drawn.address = _draw_kube_proxy(rng, config["kube-proxy-replacement"] in REPLACED)
    drawn.running = dict.fromkeys(drawn.names, (drawn.address, drawn.port))
    return drawn


def _draw_kube_proxy(rng: random.Random, replaced: bool) -> tuple[str, str | None]:
    """Which kube-proxy there is, and the address of the API; a cluster without kube-proxy runs only with one of its own."""
    kinds = ("none",) * 8 + ("daemonset", "k3s") if replaced else ("daemonset",) * 7 + ("k3s", "static_pod", "none")
    kind = rng.choice(kinds)
    return kind, API_ADDRESS if kind == "none" else rng.choice((None, None, API_ADDRESS, SERVICE_ADDRESS))


def routing_of(minor: int, config: dict[str, str]) -> str | None:
    """What an agent's running options say of its routing; status shows it from 1.16 on."""
    if minor >= 16:
        return None
    if minor <= 13:
        return "native" if config.get("tunnel", "vxlan") == "disabled" else "tunnel"
    return config.get("routing-mode", "tunnel")


def facts(cluster: Cluster, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """The facts document of a cluster whose agents have all started with its present configuration."""
    names = cluster.names
    return {
        "schema": 1,
        "cluster": {"uid": "0-0", "version": "v1.30.0", "server": "https://192.0.2.1:6443"},
        "release": {"name": "cilium", "namespace": "kube-system", "revision": 1, "status": "deployed", "chart": "cilium",
                    "chart_version": cluster.version, "app_version": cluster.version, "description": "", "updated": None,
                    "dependencies": [], "hold": None, "values": values or _values(cluster), "history": []},
        "release_found": True, "owner": {"kind": "helm", "name": "cilium", "evidence": ""},
        "config": {"name": "cilium-config", "namespace": "kube-system", "resource_version": "1", "changed_at": None,
                   "data": dict(cluster.config)},
        "manifest_config": dict(cluster.config), "node_config_api": cluster.node_config_api,
        "node_configs": [{"namespace": "kube-system", "api_version": cluster.node_config_api, "changed_at": "2026-01-01T00:00:00Z",
                          "labels": {"app.kubernetes.io/managed-by": "fastpath.cilium"}, **one} for one in cluster.node_configs],
        "nodes": [{"name": name, "kernel": kernel, "labels": {"kubernetes.io/hostname": f"host-{name}"}, "ready": True,
                   "unschedulable": False, "control_plane": False,
                   "provider_id": None, "addresses": []} for name, kernel in zip(names, cluster.kernels)],
        "daemonset": {"name": "cilium", "generation": 1, "observed_generation": 1, "desired": len(names), "current": len(names),
                      "updated": len(names), "ready": len(names), "available": len(names), "unavailable": 0,
                      "update_strategy": "RollingUpdate", "max_unavailable": 2, "restarts_on_config_change": False},
        "kube_proxy": _kube_proxy(cluster), "service_addresses": [SERVICE_ADDRESS, "10.96.0.10"],
        "api": {"explicit": cluster.address is not None, "host": cluster.address, "port": cluster.address and cluster.port,
                "endpoints": [f"{API_ADDRESS}:6443"]},
        "agents": [_agent(cluster, name, answer) for name, answer in zip(names, cluster.answers)],
        "unread": [],
    }


def _agent(cluster: Cluster, name: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {"node": name, "pod": f"cilium-{name}", "uid": name, "image": f"cilium:v{cluster.version}", "version": cluster.version,
            "created_at": None, "started_at": None, "restarts": 0, "ready": True, "waiting": None, "last_message": None,
            "config_current": True, "status": parse_status(json.dumps(answer["status"])), "source": "json",
            "options": {"routing_mode": routing_of(cluster.minor, cluster.config), **_server(*cluster.running[name])},
            "error": None}


def _server(address: str | None, port: str) -> dict[str, str]:
    return {"api_host": address or "default/kubernetes", "api_port": port if address else "default/kubernetes"}


def _values(cluster: Cluster) -> dict[str, Any]:
    """What a user has set of these."""
    word = cluster.config["kube-proxy-replacement"]
    found: dict[str, Any] = {"kubeProxyReplacement": {"true": True, "false": False}.get(word, word)}
    return {**found, "k8sServiceHost": cluster.address, "k8sServicePort": 6443} if cluster.address else found


def _kube_proxy(cluster: Cluster) -> dict[str, Any]:
    daemonset, count = cluster.kube_proxy == "daemonset", 0 if cluster.kept_off else len(cluster.names)
    selector = {"kubernetes.io/os": "linux", **({"fastpath.cilium/kube-proxy": "kept-off"} if cluster.kept_off else {})}
    return {"kind": cluster.kube_proxy, "namespace": "kube-system" if daemonset else None, "name": "kube-proxy" if daemonset else None,
            "node_selector": selector if daemonset else None, "desired": count if daemonset else None,
            "ready": count if daemonset else None, "nodes": [] if cluster.kept_off or not daemonset else None, "evidence": "drawn"}
