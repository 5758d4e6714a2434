# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every item of cilium_settings.yaml in the lab's chart of each version that has it: its key, its value, its default.

compare_charts.py needs the real charts at hand, which a checkout does not hold; this table stands for what it found.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

import chart_render  # noqa: E402
import compare_charts  # noqa: E402
from chart_render import CannotCompare  # noqa: E402
from compare_charts import minor  # noqa: E402
from front.own_charts import own_charts  # noqa: E402

LAB_CHARTS = own_charts()
VERSIONS = sorted(path.name[len("cilium-"):] for path in LAB_CHARTS.glob("cilium-*"))
CIDR = "10.0.0.0/8"
SIZES = ("service-map", "service-backend-map", "rev-nat-map", "affinity-map", "source-range-map", "maglev-map")

# Fact, minors (inclusive), Helm values, keys of cilium-config with these values, the same keys without (None: absent).
ITEMS: list[tuple[str, str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("native_routing", "1.11", "1.13", {"tunnel": "disabled", "ipv4NativeRoutingCIDR": CIDR},
     {"tunnel": "disabled", "ipv4-native-routing-cidr": CIDR}, {"tunnel": "vxlan", "ipv4-native-routing-cidr": None}),
    ("native_routing", "1.14", "1.16", {"routingMode": "native", "ipv4NativeRoutingCIDR": CIDR},
     {"routing-mode": "native", "ipv4-native-routing-cidr": CIDR},
     {"routing-mode": "tunnel", "tunnel-protocol": "vxlan", "ipv4-native-routing-cidr": None}),
    ("native_routing", "1.17", "1.20", {"routingMode": "native", "ipv4NativeRoutingCIDR": CIDR},
     {"routing-mode": "native", "ipv4-native-routing-cidr": CIDR},
     {"routing-mode": "tunnel", "tunnel-protocol": "vxlan", "ipv4-native-routing-cidr": None}),
    ("native_routing", "1.12", "1.20", {"ipv6NativeRoutingCIDR": "fd00::/104"}, {"ipv6-native-routing-cidr": "fd00::/104"},
     {"ipv6-native-routing-cidr": None}),
    ("tunnel_protocol", "1.14", "1.20", {"tunnelProtocol": "geneve"}, {"tunnel-protocol": "geneve"}, {"tunnel-protocol": "vxlan"}),
    ("tunnel_port", "1.11", "1.20", {"tunnelPort": 4789}, {"tunnel-port": "4789"}, {"tunnel-port": None}),
    ("auto_direct_node_routes", "1.11", "1.20", {"autoDirectNodeRoutes": True},
     {"auto-direct-node-routes": "true"}, {"auto-direct-node-routes": "false"}),
    ("direct_routing_skip_unreachable", "1.16", "1.20", {"directRoutingSkipUnreachable": True},
     {"direct-routing-skip-unreachable": "true"}, {"direct-routing-skip-unreachable": "false"}),
    ("kube_proxy_replacement", "1.11", "1.13", {"kubeProxyReplacement": "strict"},
     {"kube-proxy-replacement": "strict", "kube-proxy-replacement-healthz-bind-address": ""},
     {"kube-proxy-replacement": "disabled", "kube-proxy-replacement-healthz-bind-address": None}),
    ("kube_proxy_replacement", "1.14", "1.20", {"kubeProxyReplacement": True},
     {"kube-proxy-replacement": "true", "kube-proxy-replacement-healthz-bind-address": ""}, {"kube-proxy-replacement": "false"}),
    ("bpf_masquerade", "1.11", "1.20", {"bpf.masquerade": True}, {"enable-bpf-masquerade": "true"}, {"enable-bpf-masquerade": None}),
    ("dsr", "1.11", "1.20", {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "opt"},
     {"bpf-lb-mode": "dsr", "bpf-lb-dsr-dispatch": "opt"}, {"bpf-lb-mode": None, "bpf-lb-dsr-dispatch": None}),
    ("dsr_mode_annotation", "1.17", "1.20", {"bpf.lbModeAnnotation": True},
     {"bpf-lb-mode-annotation": "true"}, {"bpf-lb-mode-annotation": "false"}),
    ("lb_algorithm_annotation", "1.17", "1.20", {"bpf.lbAlgorithmAnnotation": True},
     {"bpf-lb-algorithm-annotation": "true"}, {"bpf-lb-algorithm-annotation": "false"}),
    ("no_conntrack_iptables", "1.11", "1.20", {"installNoConntrackIptablesRules": True},
     {"install-no-conntrack-iptables-rules": "true"}, {"install-no-conntrack-iptables-rules": "false"}),
    ("host_routing", "1.11", "1.11", {"bpf.hostRouting": True}, {"enable-host-legacy-routing": "true"},
     {"enable-host-legacy-routing": None}),
    ("host_routing", "1.12", "1.20", {"bpf.hostLegacyRouting": True, "bpf.hostRouting": False},
     {"enable-host-legacy-routing": "true"}, {"enable-host-legacy-routing": None}),
    ("ipv6_big_tcp", "1.13", "1.20", {"enableIPv6BIGTCP": True, "ipv6.enabled": True},
     {"enable-ipv6-big-tcp": "true", "enable-ipv6": "true", "cluster-pool-ipv6-mask-size": "120"},
     {"enable-ipv6-big-tcp": "false", "enable-ipv6": "false", "cluster-pool-ipv6-mask-size": None}),
    ("ipv4_big_tcp", "1.14", "1.20", {"enableIPv4BIGTCP": True}, {"enable-ipv4-big-tcp": "true"}, {"enable-ipv4-big-tcp": "false"}),
    ("mtu", "1.11", "1.12", {"extraConfig.mtu": "9000", "MTU": 1400}, {"mtu": "9000"}, {"mtu": None}),
    ("mtu", "1.13", "1.20", {"MTU": 9000}, {"mtu": "9000"}, {"mtu": None}),
    ("pmtu_discovery", "1.13", "1.20", {"pmtuDiscovery.enabled": True}, {"enable-pmtu-discovery": "true"},
     {"enable-pmtu-discovery": None}),
    ("packetization_layer_pmtud", "1.19", "1.20", {"pmtuDiscovery.packetizationLayerPMTUDMode": "always"},
     {"packetization-layer-pmtud-mode": "always"}, {"packetization-layer-pmtud-mode": "blackhole"}),
    ("bandwidth_manager", "1.11", "1.11", {"bandwidthManager": True}, {"enable-bandwidth-manager": "true", "enable-bbr": None},
     {"enable-bandwidth-manager": "false"}),
    ("bandwidth_manager", "1.12", "1.20", {"bandwidthManager.enabled": True}, {"enable-bandwidth-manager": "true"},
     {"enable-bandwidth-manager": None}),
    ("bbr", "1.12", "1.20", {"bandwidthManager.bbr": True}, {"enable-bbr": "true"}, {"enable-bbr": None}),
    ("bbr", "1.18", "1.20", {"bandwidthManager.bbrHostNamespaceOnly": True}, {"enable-bbr-hostns-only": "true"},
     {"enable-bbr-hostns-only": None}),
    ("xdp_acceleration", "1.11", "1.14", {"loadBalancer.acceleration": "native"}, {"bpf-lb-acceleration": "native"},
     {"bpf-lb-acceleration": None}),
    ("xdp_acceleration", "1.15", "1.20", {"loadBalancer.acceleration": "native"}, {"bpf-lb-acceleration": "native"},
     {"bpf-lb-acceleration": "disabled"}),
    ("bpf_map_dynamic_ratio", "1.11", "1.20", {"bpf.mapDynamicSizeRatio": 0.08}, {"bpf-map-dynamic-size-ratio": "0.08"},
     {"bpf-map-dynamic-size-ratio": "0.0025"}),
    ("bpf_map_sizes", "1.11", "1.20",
     {"bpf.ctTcpMax": 262144, "bpf.ctAnyMax": 131072, "bpf.natMax": 262144, "bpf.neighMax": 262144, "bpf.policyMapMax": 32768,
      "bpf.lbMapMax": 131072},
     {"bpf-ct-global-tcp-max": "262144", "bpf-ct-global-any-max": "131072", "bpf-nat-global-max": "262144",
      "bpf-neigh-global-max": "262144", "bpf-policy-map-max": "32768", "bpf-lb-map-max": "131072"},
     {"bpf-ct-global-tcp-max": None, "bpf-ct-global-any-max": None, "bpf-nat-global-max": None, "bpf-neigh-global-max": None,
      "bpf-policy-map-max": "16384", "bpf-lb-map-max": "65536"}),
    ("bpf_map_sizes", "1.14", "1.20", {"bpf.authMapMax": 65536}, {"bpf-auth-map-max": "65536"}, {"bpf-auth-map-max": None}),
    ("bpf_map_sizes", "1.15", "1.20", {"bpf.nodeMapMax": 32768}, {"bpf-node-map-max": "32768"}, {"bpf-node-map-max": None}),
    ("bpf_map_sizes", "1.18", "1.20", {"bpf.policyStatsMapMax": 32768}, {"bpf-policy-stats-map-max": "32768"},
     {"bpf-policy-stats-map-max": "65536"}),
    ("bpf_map_sizes", "1.11", "1.20", {f"extraConfig.bpf-lb-{size}-max": "131072" for size in SIZES},
     {f"bpf-lb-{size}-max": "131072" for size in SIZES}, {f"bpf-lb-{size}-max": None for size in SIZES}),
    ("preallocate_maps", "1.11", "1.20", {"bpf.preallocateMaps": True}, {"preallocate-bpf-maps": "true"},
     {"preallocate-bpf-maps": "false"}),
    ("distributed_lru", "1.17", "1.20", {"bpf.distributedLRU.enabled": True}, {"bpf-distributed-lru": "true"},
     {"bpf-distributed-lru": "false"}),
    ("netkit", "1.11", "1.15", {"bpf.datapathMode": "netkit"}, {"datapath-mode": None}, {"datapath-mode": None}),
    ("netkit", "1.16", "1.20", {"bpf.datapathMode": "netkit"}, {"datapath-mode": "netkit"}, {"datapath-mode": "veth"}),
    ("bpf_tproxy", "1.11", "1.18", {"bpf.tproxy": True}, {"enable-bpf-tproxy": "true"}, {"enable-bpf-tproxy": None}),
    ("bpf_tproxy", "1.19", "1.20", {"bpf.tproxy": False}, {"enable-bpf-tproxy": "false"}, {"enable-bpf-tproxy": None}),
    ("tcx", "1.16", "1.20", {"bpf.enableTCX": False}, {"enable-tcx": "false"}, {"enable-tcx": "true"}),
    ("maglev", "1.11", "1.20", {"loadBalancer.algorithm": "maglev", "maglev.tableSize": 65521, "maglev.hashSeed": "JLfvgnHc2kaSUFaI"},
     {"bpf-lb-algorithm": "maglev", "bpf-lb-maglev-table-size": "65521", "bpf-lb-maglev-hash-seed": "JLfvgnHc2kaSUFaI"},
     {"bpf-lb-algorithm": None, "bpf-lb-maglev-table-size": None, "bpf-lb-maglev-hash-seed": None}),
    ("socket_lb", "1.11", "1.11", {"hostServices.enabled": True, "hostServices.hostNamespaceOnly": True},
     {"enable-host-reachable-services": "true", "bpf-lb-sock-hostns-only": "true", "bpf-lb-sock": None},
     {"enable-host-reachable-services": None, "bpf-lb-sock-hostns-only": None, "bpf-lb-sock": None}),
    ("socket_lb", "1.12", "1.20", {"socketLB.enabled": True, "socketLB.hostNamespaceOnly": True},
     {"bpf-lb-sock": "true", "bpf-lb-sock-hostns-only": "true"}, {"bpf-lb-sock": "false", "bpf-lb-sock-hostns-only": None}),
    ("socket_lb", "1.16", "1.20", {"socketLB.terminatePodConnections": True, "socketLB.tracing": False},
     {"bpf-lb-sock-terminate-pod-connections": "true", "trace-sock": "false"},
     {"bpf-lb-sock-terminate-pod-connections": None, "trace-sock": None}),
    ("service_topology", "1.11", "1.18", {"loadBalancer.serviceTopology": True}, {"enable-service-topology": "true"},
     {"enable-service-topology": None}),
    ("service_topology", "1.19", "1.20", {"loadBalancer.serviceTopology": True}, {"enable-service-topology": "true"},
     {"enable-service-topology": "false"}),
    ("bpf_clock_probe", "1.11", "1.13", {"bpfClockProbe": False, "bpf.clockProbe": True}, {"enable-bpf-clock-probe": "false"},
     {"enable-bpf-clock-probe": "true"}),
    ("bpf_clock_probe", "1.14", "1.20", {"bpfClockProbe": True}, {"enable-bpf-clock-probe": "true"}, {"enable-bpf-clock-probe": "false"}),
    ("monitor_aggregation", "1.11", "1.20",
     {"bpf.monitorAggregation": "maximum", "bpf.monitorInterval": "10s", "bpf.monitorFlags": "syn"},
     {"monitor-aggregation": "maximum", "monitor-aggregation-interval": "10s", "monitor-aggregation-flags": "syn"},
     {"monitor-aggregation": "medium", "monitor-aggregation-interval": "5s", "monitor-aggregation-flags": "all"}),
    ("bpf_events", "1.16", "1.20", {f"bpf.events.{event}.enabled": False for event in ("drop", "policyVerdict", "trace")},
     {f"bpf-events-{event}-enabled": "false" for event in ("drop", "policy-verdict", "trace")},
     {f"bpf-events-{event}-enabled": "true" for event in ("drop", "policy-verdict", "trace")}),
    ("bpf_events", "1.17", "1.20", {"bpf.events.default.rateLimit": 10000, "bpf.events.default.burstLimit": 50000},
     {"bpf-events-default-rate-limit": "10000", "bpf-events-default-burst-limit": "50000"},
     {"bpf-events-default-rate-limit": None, "bpf-events-default-burst-limit": None}),
    ("devices", "1.11", "1.19", {"devices": ["eth0", "eth1"]}, {"devices": "eth0 eth1"}, {"devices": None}),
    ("devices", "1.20", "1.20", {"devices": ["eth0", "eth1"]}, {"devices": "eth0 eth1"}, {"devices": ""}),
    ("direct_routing_device", "1.11", "1.20", {"nodePort.directRoutingDevice": "eth0"}, {"direct-routing-device": "eth0"},
     {"direct-routing-device": None}),
]

# What an item's chart refuses, in every version between two minors.
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("1.11", "1.13", {"kubeProxyReplacement": True}),
    ("1.13", "1.20", {"kubeProxyReplacement": "probe"}),
    ("1.16", "1.20", {"kubeProxyReplacement": "strict"}),
    ("1.13", "1.13", {"upgradeCompatibility": "1.11"}),
    ("1.14", "1.20", {"gke.enabled": True, "routingMode": "tunnel"}),
    ("1.14", "1.20", {"aksbyocni.enabled": True, "routingMode": "native"}),
    ("1.15", "1.20", {"tunnel": "disabled"}),
    ("1.11", "1.20", {"hubble.enabled": False, "hubble.relay.enabled": True}),
    ("1.11", "1.20", {"hubble.ui.enabled": True}),
    ("1.12", "1.20", {"ingressController.enabled": True, "l7Proxy": False}),
    ("1.13", "1.13", {"ingressController.enabled": True}),
    ("1.14", "1.20", {"gatewayAPI.enabled": True, "kubeProxyReplacement": "disabled"}),
    ("1.13", "1.20", {"bandwidthManager": True}),
    ("1.16", "1.20", {"containerRuntime.integration": "none"}),
    ("1.16", "1.16", {"bpf.mapDynamicSizeRatio": "0.08"}),
    ("1.16", "1.20", {"bpf.masquerade": "true"}),
    ("1.19", "1.20", {"bpf.policyMapPressureMetricsThreshold": "0.5"}),
    ("1.16", "1.20", {"cluster.name": "East"}),
    ("1.18", "1.20", {"routingMode": "native", "enableIPv4Masquerade": True}),
    ("1.18", "1.20", {"k8sServiceHost": "192.0.2.1", "k8sServiceHostRef.name": "api", "k8sServiceHostRef.key": "host"}),
    ("1.19", "1.20", {"bpf.datapathMode": "netkit", "bpf.tproxy": True}),
]

# What looks as if it were refused, and is not.
ACCEPTED: list[tuple[str, str, dict[str, Any]]] = [
    ("1.11", "1.12", {"kubeProxyReplacement": "probe", "upgradeCompatibility": "1.11"}),
    ("1.11", "1.12", {"bandwidthManager": True}),
    ("1.14", "1.15", {"kubeProxyReplacement": "strict", "ingressController.enabled": True}),
    ("1.11", "1.14", {"tunnel": "disabled"}),
    ("1.11", "1.20", {"loadBalancer.mode": "bogus"}),
    ("1.17", "1.20", {"bpf.mapDynamicSizeRatio": "0.08"}),
    ("1.14", "1.17", {"routingMode": "native", "enableIPv4Masquerade": True}),
    ("1.18", "1.20", {"routingMode": "native"}),
    ("1.16", "1.18", {"bpf.datapathMode": "netkit", "bpf.tproxy": True}),
    ("1.11", "1.20", {"hubble.enabled": False}),
]


@pytest.fixture(name="helm", scope="session")
def fixture_helm() -> str:
    try:
        return chart_render.find_helm()
    except CannotCompare as error:
        pytest.skip(str(error))


def between(since: str, version: str, until: str) -> bool:
    return minor(since) <= minor(version) <= minor(until)


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Dotted paths as the tree of a values file."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *parents, last = path.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return tree


def refusal(helm: str, version: str, values: dict[str, Any]) -> str | None:
    return chart_render.render(helm, LAB_CHARTS / f"cilium-{version}", nested(values)).refusal


def config(helm: str, version: str, values: dict[str, Any]) -> dict[str, Any]:
    rendering = chart_render.render(helm, LAB_CHARTS / f"cilium-{version}", nested(values))
    assert rendering.refusal is None
    return compare_charts.config(rendering)


def missed(rendered: dict[str, Any], version: str, column: int) -> list[tuple[str, str, Any, Any]]:
    """Fact, key, what was expected and what was rendered, of every item that is not as the table has it."""
    return [(item[0], key, value, rendered.get(key)) for item in ITEMS if between(item[1], version, item[2])
            for key, value in item[column].items() if rendered.get(key) != value]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_item_renders_in_the_versions_that_have_it(helm: str, version: str) -> None:
    values = {path: value for item in ITEMS if between(item[1], version, item[2]) for path, value in item[3].items()}
    assert missed(config(helm, version, values), version, 4) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_item_has_its_default(helm: str, version: str) -> None:
    assert missed(config(helm, version, {}), version, 5) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_held_to_the_items(version: str) -> None:
    facts = {item[0] for item in ITEMS if between(item[1], version, item[2])}
    assert len(facts) >= 20


@pytest.mark.parametrize("version", VERSIONS)
def test_a_chart_refuses_what_its_version_refuses(helm: str, version: str) -> None:
    held = [values for since, until, values in REFUSED if between(since, version, until)]
    assert [values for values in held if refusal(helm, version, values) is None] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_chart_accepts_what_its_version_accepts(helm: str, version: str) -> None:
    held = [values for since, until, values in ACCEPTED if between(since, version, until)]
    assert [(values, refusal(helm, version, values)) for values in held if refusal(helm, version, values)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_hubble_off_is_said_from_1_17_on(helm: str, version: str) -> None:
    expected = "false" if minor(version) >= (1, 17) else None
    assert config(helm, version, {"hubble.enabled": False}).get("enable-hubble") == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_address_goes_to_agents_and_operator(helm: str, version: str) -> None:
    chart = LAB_CHARTS / f"cilium-{version}"
    rendering = chart_render.render(helm, chart, {"k8sServiceHost": "192.0.2.1", "k8sServicePort": 6443})
    picture = compare_charts.picture(rendering, rendering)
    expected = {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert picture["DaemonSet/env"] == picture["Deployment/env"] == expected
    assert picture["DaemonSet/config env"] == (expected if minor(version) >= (1, 13) else {})


@pytest.mark.parametrize("version", VERSIONS)
def test_only_charts_before_1_13_leave_the_configuration_to_the_agent(helm: str, version: str) -> None:
    """The lab's agents keep the configuration of a pod that has an init container `config`."""
    pod = compare_charts.template(chart_render.render(helm, LAB_CHARTS / f"cilium-{version}", {}).find("DaemonSet", "cilium"))["spec"]
    mounted = {volume["name"] for volume in pod["volumes"]}
    frozen = [container["name"] for container in pod.get("initContainers") or []]
    assert (frozen == ["config"]) == (minor(version) >= (1, 13)) == ("cilium-config-path" not in mounted)
