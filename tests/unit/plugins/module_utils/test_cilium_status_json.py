# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""JSON through parse_status. No public record of a whole StatusResponse was found: these follow the API model."""

from __future__ import annotations

import copy
import json

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import NotAStatus, parse_status
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status_json import read_json

V1_13 = {
    "cilium": {"state": "Ok", "msg": "1.13.4 (v1.13.4-4061cdfc)"},
    "cluster": {"ciliumHealth": {"state": "Failure"}, "nodes": [{"name": "default/node-1"}]},
    "kube-proxy-replacement": {
        "mode": "Strict", "directRoutingDevice": "eth0", "devices": ["eth0 192.0.2.1", "eth1"],
        "deviceList": [{"name": "eth0", "ip": ["192.0.2.1", "fe80::1"]}, {"name": "eth1", "ip": None}],
        "features": {
            "externalIPs": {"enabled": True}, "hostReachableServices": {}, "gracefulTermination": {"enabled": True},
            "nodePort": {"enabled": True, "mode": "SNAT", "algorithm": "Random", "acceleration": "Disabled",
                         "portMin": 30000, "portMax": 32767},
            "socketLB": {"enabled": True}, "socketLBTracing": {"enabled": True},
        },
    },
    "host-firewall": {"mode": "Enabled", "devices": ["eth9"]},
    "host-routing": {"mode": "BPF"},
    "ipv6-big-tcp": {},
    "bandwidth-manager": {"enabled": True, "congestionControl": "bbr", "devices": ["eth0"]},
    "masquerading": {"enabled": True, "enabledProtocols": {"ipv4": True}, "mode": "BPF", "ip-masq-agent": True},
}
V1_13_FACTS = {
    "kube_proxy_replacement": "strict", "nodeport_mode": "snat", "xdp_acceleration": "disabled",
    "lb_algorithm": "random", "masquerading": "bpf", "host_routing": "bpf", "bandwidth_manager": "enabled",
    "congestion_control": "bbr",
    "ipv6_big_tcp": "disabled", "devices": ["eth0", "eth1"], "direct_routing_device": "eth0", "socket_lb": "enabled",
    "health": "ok", "version": "1.13.4",
}
V1_18 = {
    "cilium": {"state": "Warning", "msg": "1.18.0-rc.1 (v1.18.0-rc.1-0)    Stale status data"},
    "kube-proxy-replacement": {
        "mode": "True", "directRoutingDevice": "eth0", "devices": None, "deviceList": [{"name": "eth0", "ip": []}],
        "features": {
            "annotations": ["service.cilium.io/type", "service.cilium.io/forwarding-mode"],
            "nodePort": {"enabled": True, "mode": "Hybrid", "dsrMode": "Geneve", "algorithm": "Maglev",
                         "lutSize": 65521, "acceleration": "Best-Effort"},
            "socketLB": {},
        },
    },
    "routing": {"inter-host-routing-mode": "Tunnel", "intra-host-routing-mode": "Legacy", "tunnel-protocol": "geneve"},
    "attach-mode": "tcx",
    "datapath-mode": "netkit-l2",
    "ipv4-big-tcp": {"enabled": True, "maxGRO": 196608, "maxGSO": 196608},
    "ipv6-big-tcp": {"maxGRO": 65536, "maxGSO": 65536},
    "bandwidth-manager": {},
    "masquerading": {"enabledProtocols": {}},
}
V1_18_FACTS = {
    "kube_proxy_replacement": "true", "nodeport_mode": "hybrid", "dsr_dispatch": "geneve",
    "xdp_acceleration": "best-effort", "lb_algorithm": "maglev", "masquerading": "disabled", "host_routing": "legacy",
    "routing_mode": "tunnel",
    "tunnel_protocol": "geneve", "bandwidth_manager": "disabled", "ipv4_big_tcp": "enabled", "ipv6_big_tcp": "disabled",
    "devices": ["eth0"], "direct_routing_device": "eth0", "socket_lb": "disabled", "device_mode": "netkit-l2",
    "attach_mode": "tcx", "annotations": ["service.cilium.io/type", "service.cilium.io/forwarding-mode"],
    "health": "warning", "version": "1.18.0-rc.1",
}
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def told(text: str) -> dict:
    return {key: fact for key, fact in parse_status(text).items() if fact is not None}


def changed(document: dict, value: object, *path: object) -> dict:
    """A copy with another value at the path; without a value the key is taken out."""
    result = copy.deepcopy(document)
    parent = result
    for key in path[:-1]:
        parent = parent[key]
    if value is ABSENT:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return result


ABSENT = object()
KPR = "kube-proxy-replacement"
NODEPORT = (KPR, "features", "nodePort")


@pytest.mark.parametrize("document, facts", [(V1_13, V1_13_FACTS), (V1_18, V1_18_FACTS)], ids=["1.13", "1.18"])
@pytest.mark.parametrize("indent", [None, 2])
def test_whole(document: dict, facts: dict, indent: object) -> None:
    assert told(json.dumps(document, indent=indent)) == facts


@pytest.mark.parametrize("before", [
    'Defaulted container "cilium-agent" out of: cilium-agent, config (init)\n',
    "Warning: Use tokens from the TokenRequest API {not} [this]\n",
    '{"level":"warn","msg":"slow"}\n{"level":"warn"\n{broken\n',
    "\x1b[33mWarning\x1b[0m\r\n",
    "\ufeff",
])
@pytest.mark.parametrize("after", ["", "\n", "\ncommand terminated with exit code 1\n", "\r\n{\n", "\nMode: DSR\n"])
def test_with_warnings_around_it(before: str, after: str) -> None:
    assert told(before + json.dumps(V1_13, indent=2) + after) == V1_13_FACTS


# (document, value put in, its path, fact, expected)
CHANGES = [
    # What is not there is false only inside an object that is.
    (V1_13, ABSENT, ("ipv6-big-tcp",), "ipv6_big_tcp", None),
    (V1_13, ABSENT, ("bandwidth-manager",), "bandwidth_manager", None),
    (V1_13, {}, ("bandwidth-manager",), "bandwidth_manager", "disabled"),
    (V1_13, {"congestionControl": "bbr"}, ("bandwidth-manager",), "congestion_control", None),
    (V1_13, {"enabled": True}, ("bandwidth-manager",), "congestion_control", None),
    (V1_13, {"enabled": "true"}, ("bandwidth-manager",), "bandwidth_manager", None),
    (V1_13, {"enabled": None}, ("ipv6-big-tcp",), "ipv6_big_tcp", None),
    (V1_13, [], ("ipv6-big-tcp",), "ipv6_big_tcp", None),
    (V1_13, ABSENT, (KPR, "features", "socketLB"), "socket_lb", "disabled"),
    (V1_18, ABSENT, (KPR, "features", "socketLB"), "socket_lb", None),
    (V1_18, {"hostReachableServices": {"enabled": True, "protocols": ["TCP"]}}, (KPR, "features"),
     "socket_lb", "enabled"),
    (V1_13, ABSENT, (KPR, "features"), "socket_lb", None),
    # NodePort off: no mode, whatever else is written.
    (V1_18, ABSENT, (*NODEPORT, "enabled"), "nodeport_mode", None),
    (V1_18, ABSENT, (*NODEPORT, "enabled"), "dsr_dispatch", None),
    (V1_18, ABSENT, (*NODEPORT, "enabled"), "xdp_acceleration", None),
    (V1_18, {}, NODEPORT, "nodeport_mode", None),
    (V1_18, "DSR", (*NODEPORT, "mode"), "nodeport_mode", "dsr"),
    (V1_18, "dsr-x", (*NODEPORT, "mode"), "nodeport_mode", None),
    (V1_18, 7, (*NODEPORT, "mode"), "nodeport_mode", None),
    (V1_18, "SNAT", (*NODEPORT, "mode"), "dsr_dispatch", "geneve"),
    (V1_18, "IP Option/Extension", (*NODEPORT, "dsrMode"), "dsr_dispatch", "opt"),
    (V1_18, "IPIP", (*NODEPORT, "dsrMode"), "dsr_dispatch", "ipip"),
    (V1_18, "Native", (*NODEPORT, "acceleration"), "xdp_acceleration", "native"),
    (V1_18, "Generic", (*NODEPORT, "acceleration"), "xdp_acceleration", "generic"),
    # Devices and annotations.
    (V1_13, ABSENT, (KPR, "deviceList"), "devices", ["eth0", "eth1"]),
    (V1_13, None, (KPR, "deviceList"), "devices", None),
    (V1_13, [], (KPR, "deviceList"), "devices", []),
    (V1_13, [{"name": "eth0"}, {}], (KPR, "deviceList"), "devices", None),
    (V1_13, ["eth0"], (KPR, "deviceList"), "devices", None),
    (V1_13, [{"name": "eth0\n"}], (KPR, "deviceList"), "devices", None),
    (V1_13, "", (KPR, "directRoutingDevice"), "direct_routing_device", None),
    (V1_13, ABSENT, (KPR, "directRoutingDevice"), "direct_routing_device", None),
    (V1_18, None, (KPR, "features", "annotations"), "annotations", []),
    (V1_18, [], (KPR, "features", "annotations"), "annotations", []),
    (V1_18, ["{{ x }}"], (KPR, "features", "annotations"), "annotations", None),
    (V1_18, "service.cilium.io/type", (KPR, "features", "annotations"), "annotations", None),
    # Masquerading.
    (V1_13, ABSENT, ("masquerading", "enabledProtocols"), "masquerading", "bpf"),
    (V1_13, {"enabled": True, "enabledProtocols": {"ipv6": True}, "mode": "iptables"}, ("masquerading",),
     "masquerading", "iptables"),
    (V1_13, {"enabled": True, "enabledProtocols": {}, "mode": "BPF"}, ("masquerading",), "masquerading", "disabled"),
    (V1_13, {}, ("masquerading",), "masquerading", "disabled"),
    (V1_13, {"enabled": True}, ("masquerading",), "masquerading", None),
    (V1_13, {"enabledProtocols": {"ipv4": True}, "mode": "BPF"}, ("masquerading",), "masquerading", None),
    (V1_13, ABSENT, ("masquerading",), "masquerading", None),
    # Routing, up to 1.15 and since 1.16.
    (V1_13, {"mode": "Legacy"}, ("host-routing",), "host_routing", "legacy"),
    (V1_13, ABSENT, ("host-routing",), "host_routing", None),
    (V1_18, "Native", ("routing", "inter-host-routing-mode"), "routing_mode", "native"),
    (V1_18, "Native", ("routing", "inter-host-routing-mode"), "tunnel_protocol", "geneve"),
    (V1_18, "BPF", ("routing", "intra-host-routing-mode"), "host_routing", "bpf"),
    (V1_18, "vxlan", ("routing", "tunnel-protocol"), "tunnel_protocol", "vxlan"),
    (V1_18, ABSENT, ("routing",), "routing_mode", None),
    (V1_18, "tc", ("attach-mode",), "attach_mode", "tc"),
    (V1_18, "veth", ("datapath-mode",), "device_mode", "veth"),
    (V1_18, "auto", ("datapath-mode",), "device_mode", None),
    # Health and version.
    (V1_13, "Failure", ("cilium", "state"), "health", "failure"),
    (V1_13, "OK", ("cilium", "state"), "health", None),
    (V1_13, "Disabled", ("cilium", "state"), "health", None),
    (V1_13, "starting", ("cilium", "msg"), "version", None),
    (V1_13, ABSENT, ("cilium",), "version", None),
    (V1_13, "Partial", (KPR, "mode"), "kube_proxy_replacement", "partial"),
    (V1_13, True, (KPR, "mode"), "kube_proxy_replacement", None),
]


@pytest.mark.parametrize(
    "document, value, path, fact, expected", CHANGES, ids=["%s-%d" % (c[3], n) for n, c in enumerate(CHANGES)]
)
def test_change(document: dict, value: object, path: tuple, fact: str, expected: object) -> None:
    assert parse_status(json.dumps(changed(document, value, *path)))[fact] == expected


@pytest.mark.parametrize("devices, names", [
    (["eth0 192.0.2.1 (Direct Routing)", "eth1"], ["eth0", "eth1"]), ([], []), (["eth0", 1], None),
    (["eth0", " "], None), ("eth0", None), (None, None),
])
def test_devices_as_old_clients_read_them(devices: object, names: object) -> None:
    assert parse_status(json.dumps({KPR: {"mode": "Strict", "devices": devices}}))["devices"] == names


@pytest.mark.parametrize("document, facts", [
    ({"cilium": {"state": "Ok"}}, {"health": "ok"}),
    ({KPR: {"mode": "False"}}, {"kube_proxy_replacement": "false"}),
    ({"host-routing": {"mode": "Legacy"}}, {"host_routing": "legacy"}),
    ({"routing": {"inter-host-routing-mode": "Native"}}, {"routing_mode": "native"}),
])
def test_a_part_that_only_an_agent_writes(document: dict, facts: dict) -> None:
    assert told(json.dumps(dict(document, masquerading={}))) == dict(facts, masquerading="disabled")


@pytest.mark.parametrize("text", [
    "null", "[]", "{}", '"Ok"', "1", "NaN",
    '{"masquerading": {}, "bandwidth-manager": {}, "ipv4-big-tcp": {}}',
    '{"kube-proxy-replacement": "true", "routing": "native", "cilium": "Ok", "datapath-mode": "veth"}',
    '{"kube-proxy-replacement": {}}',
    '{"cilium": {"state": "OK"}}',
    '{"cilium_status": {"cilium-x": {"cilium": {"state": "Ok"}}}, "pod_state": {}}',
    '{"nodes": [{"name": "node-1"}], "local": {"name": "node-1"}, "timestamp": "2023-07-14T02:41:02Z"}',
    '{"cilium": {"state": "Ok", "state": "Failure"}}',
    '{"a": ' * 100000,
    '{"cilium": {"state": "Ok"}',
])
def test_other_json(text: str) -> None:
    assert read_json(text) == []
    with pytest.raises(NotAStatus):
        parse_status(text)


def test_numbers_do_not_matter() -> None:
    text = json.dumps(V1_13).replace("30000", "9" * 200000).replace("32767", "NaN")
    assert told(text) == V1_13_FACTS


def test_lone_surrogates_do_not_matter() -> None:
    text = json.dumps(changed(V1_13, "1.13.4 \ud800", "cilium", "msg"))
    assert "\\ud800" in text
    assert told(text) == V1_13_FACTS


@pytest.mark.parametrize("text, facts", [
    ('{"cilium": {"state": "Ok"}, "attach-mode": "tc", "cilium": {"state": "Ok"}}',
     {"health": "ok", "attach_mode": "tc"}),
    ('{"cilium": {"state": "Ok", "msg": "1.13.4", "msg": "1.13.5"}}', {"health": "ok"}),
    ('{"cilium": {"state": "Ok"}, "ipv4-big-tcp": {"enabled": true}, "ipv4-big-tcp": {}}', {"health": "ok"}),
    ('{"cilium": {"state": "Ok"}, "attach-mode": "tc", "attach-mode": "tcx", "attach-mode": "tc"}', {"health": "ok"}),
])
def test_keys_given_twice(text: str, facts: dict) -> None:
    assert told(text) == facts


@pytest.mark.parametrize("between", ["\n", ",\n"])
def test_two_agents(between: str) -> None:
    text = json.dumps(V1_13) + between + json.dumps(V1_13)
    with pytest.raises(NotAStatus, match="more than one agent"):
        parse_status(text)


def test_text_is_not_read_where_json_is() -> None:
    assert told('{"cilium": {"state": "Ok"}}\nMode: DSR\n') == {"health": "ok"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["Ok", "True", "BPF", "DSR", "SNAT", "Native", "eth0"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from([
    (key,) for key in V1_18
] + [(KPR, key) for key in V1_18[KPR]] + [(KPR, "features", key) for key in V1_18[KPR]["features"]] + [
    (*NODEPORT, key) for key in V1_18[KPR]["features"]["nodePort"]
] + [("routing", key) for key in V1_18["routing"]] + [("masquerading", "enabledProtocols"), ("cilium", "state")])


@FUZZ
@given(JSON_VALUES)
def test_any_json(document: object) -> None:
    for text in (json.dumps(document), json.dumps({"cilium": {"state": "Ok"}, KPR: document, "routing": document})):
        try:
            parse_status(text)
        except NotAStatus:
            pass


@FUZZ
@given(st.sampled_from([V1_13, V1_18]), PATHS, JSON_VALUES)
def test_any_value_in_its_place(document: dict, path: tuple, value: object) -> None:
    """Whatever stands in one place, the parser goes on, and the facts of other places stay as they were."""
    parent = document
    for key in path[:-1]:
        parent = parent.get(key, {})
    if path[-1] not in parent:
        return
    before = parse_status(json.dumps(document))
    try:
        after = parse_status(json.dumps(changed(document, value, *path)))
    except NotAStatus:
        return
    if path[0] != "cilium":
        assert (after["health"], after["version"]) == (before["health"], before["version"])
    if path[0] != KPR:
        assert (after["nodeport_mode"], after["devices"]) == (before["nodeport_mode"], before["devices"])
