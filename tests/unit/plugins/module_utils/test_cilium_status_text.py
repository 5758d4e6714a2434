# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Text read line by line, through parse_status. Whole outputs are in test_cilium_status.py."""

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import NotAStatus, parse_status
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status_text import read_text


def told(text: str) -> dict:
    return {key: fact for key, fact in parse_status(text).items() if fact is not None}


LINES = [
    ("KubeProxyReplacement: Strict", {"kube_proxy_replacement": "strict"}),
    ("KubeProxyReplacement: Probe   []", {"kube_proxy_replacement": "probe", "devices": []}),
    ("KubeProxyReplacement:\tTrue\t[eth0 192.0.2.1 fe80::1 (Direct Routing)]",
     {"kube_proxy_replacement": "true", "devices": ["eth0"], "direct_routing_device": "eth0"}),
    ("KubeProxyReplacement:True [eth0.100 192.0.2.1, wg-k8s0]",
     {"kube_proxy_replacement": "true", "devices": ["eth0.100", "wg-k8s0"]}),
    ("KubeProxyReplacement: True   [eth0 192.0.2.1, eth1 192.0", {"kube_proxy_replacement": "true"}),
    ("KubeProxyReplacement: True   [eth0 192.0.2.1, , eth1]", {"kube_proxy_replacement": "true"}),
    ("KubeProxyReplacement: True   [a-name-of-16-chr 192.0.2.1]", {"kube_proxy_replacement": "true"}),
    ("KubeProxyReplacement: True   [eth0/../x 192.0.2.1]", {"kube_proxy_replacement": "true"}),
    ("KubeProxyReplacement: True   [a (Direct Routing), b (Direct Routing)]",
     {"kube_proxy_replacement": "true", "devices": ["a", "b"]}),
    ("KubeProxyReplacement:   Strict   [NodePort]", {"kube_proxy_replacement": "strict"}),
    ("KubeProxyReplacement:   Strict   [HostPort]", {"kube_proxy_replacement": "strict"}),
    ("KubeProxyReplacement:   Strict   [ExternalIPs]", {"kube_proxy_replacement": "strict"}),
    ("KubeProxyReplacement:   Strict   [SessionAffinity]", {"kube_proxy_replacement": "strict"}),
    ("KubeProxyReplacement:   Strict   [NodePort (SNAT, 30000-32767, XDP: NONE), HostPort, ExternalIPs]",
     {"kube_proxy_replacement": "strict"}),
    ("KubeProxyReplacement:   Partial   ()   []", {"kube_proxy_replacement": "partial", "devices": []}),
    ("Cilium:                 Ok   1.13.4 (v1.13.4-4061cdfc)", {"health": "ok", "version": "1.13.4"}),
    ("Cilium:\tOk\t1.18.0-rc.1 (v1.18.0-rc.1-0123abcd)", {"health": "ok", "version": "1.18.0-rc.1"}),
    ("Cilium:                 Ok   OK", {"health": "ok"}),
    ("Cilium:                 Warning   Stale status data (since 2018-08-24 22:38:50 +0000 UTC)",
     {"health": "warning"}),
    ("Cilium: Failure   1.13.4 (v1.13.4-4061cdfc)    Kubernetes service is not ready",
     {"health": "failure", "version": "1.13.4"}),
    ("IPv4 BIG TCP: Enabled [65536, 131072]", {"ipv4_big_tcp": "enabled"}),
    ("IPv6 BIG TCP: Enabled", {"ipv6_big_tcp": "enabled"}),
    ("IPv6 BIG TCP: Disabled", {"ipv6_big_tcp": "disabled"}),
    ("BandwidthManager:       Disabled", {"bandwidth_manager": "disabled"}),
    ("BandwidthManager:       EDT with BPF   [eth0, eth1]", {"bandwidth_manager": "enabled"}),
    ("BandwidthManager:       EDT with BPF [CUBIC] [eth0]",
     {"bandwidth_manager": "enabled", "congestion_control": "cubic"}),
    ("BandwidthManager:       EDT with BPF   [bbr]", {"bandwidth_manager": "enabled"}),
    ("Host Routing: Legacy", {"host_routing": "legacy"}),
    ("Host Routing: BPF", {"host_routing": "bpf"}),
    ("Routing: Network: Native   Host: BPF", {"routing_mode": "native", "host_routing": "bpf"}),
    ("Routing: Network: Tunnel [geneve]   Host: Legacy",
     {"routing_mode": "tunnel", "tunnel_protocol": "geneve", "host_routing": "legacy"}),
    ("Routing: Network: Tunnel [vx", {"routing_mode": "tunnel"}),
    ("Routing: Host: Legacy", {"host_routing": "legacy"}),
    ("Attach Mode: Legacy TC", {"attach_mode": "tc"}),
    ("Attach Mode: TCX", {"attach_mode": "tcx"}),
    ("Device Mode: veth", {"device_mode": "veth"}),
    ("Device Mode: netkit-l2", {"device_mode": "netkit-l2"}),
    ("Device Mode: veth [Configured: auto]", {"device_mode": "veth"}),
    ("Masquerading: Disabled", {"masquerading": "disabled"}),
    ("Masquerading: IPTables [IPv4: Enabled, IPv6: Disabled]", {"masquerading": "iptables"}),
    ("Masquerading: BPF\t[eth0]\t10.0.0.0/8 fd00::/48 [IPv4: Enabled, IPv6: Enabled]", {"masquerading": "bpf"}),
    ("Masquerading: BPF (ip-masq-agent)   [eth0]   10.0.0.0/8", {"masquerading": "bpf"}),
    ("  Mode:                   SNAT", {"nodeport_mode": "snat"}),
    ("Mode:\tDSR", {"nodeport_mode": "dsr"}),
    ("      Mode: Hybrid  ", {"nodeport_mode": "hybrid"}),
    ("    DSR Dispatch Mode:    IP Option/Extension", {"dsr_dispatch": "opt"}),
    ("    DSR Dispatch Mode:    IPIP", {"dsr_dispatch": "ipip"}),
    ("    DSR Dispatch Mode:    Geneve", {"dsr_dispatch": "geneve"}),
    ("  XDP Acceleration:    Native", {"xdp_acceleration": "native"}),
    ("  XDP Acceleration:    Disabled", {"xdp_acceleration": "disabled"}),
    ("  XDP Acceleration:    Generic", {"xdp_acceleration": "generic"}),
    ("  XDP Acceleration:    Best-Effort", {"xdp_acceleration": "best-effort"}),
    ("  Backend Selection:   Random", {"lb_algorithm": "random"}),
    ("  Backend Selection:   Maglev (Table Size: 16381)", {"lb_algorithm": "maglev"}),
    ("  Socket LB:           Enabled", {"socket_lb": "enabled"}),
    ("  Socket LB:           Disabled", {"socket_lb": "disabled"}),
    ("  Socket LB Protocols: TCP", {"socket_lb": "enabled"}),
    ("  Socket LB Protocols: UDP", {"socket_lb": "enabled"}),
    ("  Devices:             eth0 192.0.2.1 (Direct Routing), eth1",
     {"devices": ["eth0", "eth1"], "direct_routing_device": "eth0"}),
    ("  Annotations:\t(n/a)", {"annotations": []}),
    ("  Annotations:\n  - service.cilium.io/type\n  - service.cilium.io/forwarding-mode",
     {"annotations": ["service.cilium.io/type", "service.cilium.io/forwarding-mode"]}),
    ("KubeProxyReplacement Details:\nStatus: Partial\nProtocols: TCP, UDP",
     {"kube_proxy_replacement": "partial", "socket_lb": "enabled"}),
]


@pytest.mark.parametrize("line, facts", LINES, ids=[line.strip() for line, _facts in LINES])
def test_line(line: str, facts: dict) -> None:
    assert told(line) == facts


MEANINGLESS = [
    "Cilium health daemon:   Ok",
    "Cilium:             OK",
    "Cilium: ok 1.13.4",
    "Cilium: 1 errors, 2 warnings",
    "Cilium: Okay",
    "Kubernetes: Ok 1.27 (v1.27.3) [linux/amd64]",
    "Cluster health: Warning   cilium-health daemon unreachable",
    "Host firewall: Enabled [eth0, eth1]",
    "KubeProxyReplacement: Automatic",
    "KubeProxyReplacement: Strictly",
    "kubeProxyReplacement: strict",
    "kube-proxy-replacement: strict",
    "KubeProxyReplacement Details:",
    "Masquerading: Enabled",
    "Masquerading: BPFx",
    "BandwidthManager: Enabled",
    "BandwidthManager: EDT with BP",
    "Routing: Native",
    "Routing: Network: Nati",
    "Device Mode: ?",
    "Device Mode: netkit-l3",
    "Attach Mode: Legacy",
    "Mode: DSR-tunnel",
    "Mode: Ready",
    "Mode:",
    "LB Mode: DSR",
    "DSR Mode: DSR",
    "The Mode: DSR",
    "XDP Acceleration: Best-Effo",
    "Socket LB Tracing: Enabled",
    "Socket LB Coverage: Full",
    "Status: True",
    "Protocols: TCP, UDP",
    "Devices:",
    "Devices: eth0,",
    "Annotations:",
    "Annotations:\n  prometheus.io/port=9090",
    "Annotations: x\n- service.cilium.io/type",
    "Socket LB Protocols: SCTP",
    "Annotations: kubernetes.io/name: x",
    "ipv4bigtcp:\n  enabled: true\nkubeproxyreplacement:\n  mode: \"True\"",
    "Is Mode: DSR?",
    "> Mode: DSR",
]


@pytest.mark.parametrize("text", MEANINGLESS)
def test_line_that_says_nothing(text: str) -> None:
    with pytest.raises(NotAStatus):
        parse_status(text)


# More than one line


def test_details_outside_the_block_do_not_count_where_there_is_one() -> None:
    text = """Mode: DSR
Devices: lo
KubeProxyReplacement Details:
  Status: True
  Mode: SNAT
BPF Maps:   dynamic sizing: on
  Backend Selection: Maglev
Status: False
"""
    assert told(text) == {"kube_proxy_replacement": "true", "nodeport_mode": "snat"}


@pytest.mark.parametrize("label", [
    "BPF Maps", "Encryption", "Cluster health", "Modules Health", "KVStore", "Kubernetes", "NodeMonitor",
    "Cilium health daemon", "Controller Status", "Proxy Status", "Hubble", "Masquerading", "Attach Mode",
])
def test_the_block_ends_at_the_next_line_of_the_agent(label: str) -> None:
    text = "KubeProxyReplacement Details:\n  Status: True\n%s: x\nMode: DSR\nStatus: False\n" % label
    assert told(text) == {"kube_proxy_replacement": "true"}


def test_replacement_off_has_no_mode_though_other_output_follows() -> None:
    text = "KubeProxyReplacement Details:\n  Status: Disabled\nBPF Maps: off\n\nMode: DSR\n"
    assert told(text) == {"kube_proxy_replacement": "disabled"}


def test_a_fact_told_twice_and_differently_is_unknown() -> None:
    assert told("KubeProxyReplacement: True [eth0]\nMode: SNAT\nMode: DSR") == {
        "kube_proxy_replacement": "true", "devices": ["eth0"]
    }
    assert told("Mode: SNAT\nMode: DSR\nMode: SNAT") == {}
    details = "KubeProxyReplacement Details:\n  Status: False\n  Devices: eth1"
    assert told("KubeProxyReplacement: True [eth0]\n" + details) == {}


def test_a_garbled_repetition_does_not_erase_a_fact() -> None:
    assert told("Mode: SNAT\nMode: ???") == {"nodeport_mode": "snat"}


def test_one_agent_asked_twice() -> None:
    line = "KubeProxyReplacement:   True   [eth0 192.0.2.1]\n"
    assert told(line + "Cilium: Ok 1.13.4\n" + line.replace("   ", " ") + "Cilium: Ok   1.13.4") == {
        "kube_proxy_replacement": "true", "devices": ["eth0"], "health": "ok", "version": "1.13.4"
    }


def test_a_line_that_is_not_an_agents_counts_for_none() -> None:
    assert told("Cilium:   OK\nCilium:   Ok   1.13.4\nCilium: 1 errors") == {"health": "ok", "version": "1.13.4"}


@pytest.mark.parametrize("other", ["KubeProxyReplacement: True [eth0 192.0.2.2]", "Cilium: Warning 1.13.4"])
def test_two_agents(other: str) -> None:
    text = "KubeProxyReplacement: True [eth0 192.0.2.1]\nCilium: Ok 1.13.4\n" + other
    with pytest.raises(NotAStatus, match="more than one agent"):
        parse_status(text)


def test_annotations_end_where_the_list_ends() -> None:
    text = "  Annotations:\n  - service.cilium.io/type\n  - ClusterIP:      Enabled\n  - service.cilium.io/node\n"
    assert told(text) == {"annotations": ["service.cilium.io/type"]}


def test_a_list_no_node_has_is_unknown() -> None:
    assert told("KubeProxyReplacement: True [%s]" % ", ".join("eth%d" % number for number in range(1002))) == {
        "kube_proxy_replacement": "true"
    }
    assert read_text("Annotations:\n" + "- a.b/c\n" * 1001) == []
    assert read_text("Annotations:\n" + "- a.b/c\n" * 1000) == [{"annotations": ["a.b/c"] * 1000}]


def test_json_before_text_is_no_status_of_its_own() -> None:
    text = '{"level":"warn","msg":"Mode: DSR"}\nMode: SNAT\n'
    assert told(text) == {"nodeport_mode": "snat"}
