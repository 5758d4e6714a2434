# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What items of hosts and of the cluster do to each other: a test for each pair of the table."""
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _meetings as meetings
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import disturbed
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.host_model import everywhere, host, nic

FACTS = model.load("1.18.12-snat-native")
TUNED = {"tuned": {"active_profile": "site-throughput"}}
TWO = {"devices": ["eth0", "eth1"], "direct_routing_device": "eth0"}


def said(name, facts, options=None):
    found = one.verdict(name, facts, options)
    return found["state"], " ".join([found["reason"], *found["notes"]]), found["nodes"]


def test_the_table_names_tunings_that_there_are_and_who_wins():
    for meeting in meetings.MEETINGS:
        assert meeting.cluster in catalog.load() and meeting.wins in (meeting.host, meeting.cluster)
        assert meeting.what.endswith(".") and meeting.judged.endswith(".")
    assert len({(meeting.host, meeting.cluster) for meeting in meetings.MEETINGS}) == len(meetings.MEETINGS) == len(PAIRS)


def mtu_and_xdp():
    state, words, nodes = said("xdp", everywhere(FACTS, node_3=host(nic(mtu=9000))), {"mode": "native"})
    return state == "BLOCKED" and nodes == ["node-3"] and "3498" in words


def queues_and_xdp():
    full = nic(driver="ena", queues={"rx": 8, "tx": 8, "channels": {"combined": {"current": 8, "max": 8}}})
    free = nic(driver="ena", queues={"rx": 4, "tx": 4, "channels": {"combined": {"current": 4, "max": 8}}})
    return (said("xdp", everywhere(FACTS, host(full)), {"mode": "native"})[0],
            said("xdp", everywhere(FACTS, host(free)), {"mode": "native"})[0]) == ("BLOCKED", "DRIFT")


def pins_and_xdp():
    disturbs = catalog.load()["xdp"].tuning.disturbs
    before, after = ([{"host": "a", "node": "node-1", "facts": {"schema": 1, "devices": [
        nic(irqs=[{"irq": 7, "name": "eth0-0", "affinity": cpus}])]}}] for cpus in ([0], [0, 1, 2, 3]))
    lost = disturbed.lost(before, {"schema": 1, "hosts": after}, {"nodes": ["node-1"], "disturbs": list(disturbs)})
    return "go to other CPUs" in str(lost)


def profile_and_bbr():
    on = one.cluster("1.18.12-snat-native", live={"congestion_control": "bbr", "bandwidth_manager": "enabled"})
    back = everywhere(on, host(sysctl={"net.ipv4.tcp_congestion_control": "cubic"}, **TUNED))
    kept = everywhere(on, host(sysctl={"net.ipv4.tcp_congestion_control": "bbr"}, **TUNED))
    return "it is cubic on node-1, node-2, node-3: tuned's profile site-throughput" in said("bbr", back)[1] \
        and "set it back" not in said("bbr", kept)[1] and "set it back" not in said("bbr", everywhere(FACTS))[1]


def fast_open_and_dsr():
    servers, clients = (everywhere(FACTS, node_2=host(sysctl={"net.ipv4.tcp_fastopen": text})) for text in ("3", "1"))
    return "for servers on node-2" in said("dsr", servers)[1] and "TCP Fast Open" not in said("dsr", clients)[1] \
        and "TCP Fast Open" not in said("dsr", servers, {"mode": "snat"})[1]


def discipline_and_bandwidth():
    on = one.cluster("1.18.12-snat-native", live={"bandwidth_manager": "enabled", "congestion_control": "cubic"})
    facts = everywhere(on, host(sysctl={"net.core.default_qdisc": "fq"}), node_1=host(sysctl={"net.core.default_qdisc": "fq_codel"}))
    return "net.core.default_qdisc to fq when they start, and it is fq_codel on node-1" in said("bandwidth_manager", facts)[1]


def backlog_and_bandwidth():
    facts = everywhere(model.load("1.12.19-tunnel-dsr-degraded"), host(sysctl={"net.core.netdev_max_backlog": "250000"}))
    newer = everywhere(FACTS, host(sysctl={"net.core.netdev_max_backlog": "250000"}))
    return "netdev_max_backlog to 1000" in said("bandwidth_manager", facts)[1] and "1000" not in said("bandwidth_manager", newer)[1]


def reverse_path_and_dsr():
    two = one.cluster("1.18.12-snat-native", live=TWO)
    strict, loose = (everywhere(two, host(nic(), nic("eth1", rp_filter=value))) for value in (1, 2))
    overall = everywhere(two, host(nic(), nic("eth1"), sysctl={"net.ipv4.conf.all.rp_filter": "1"}))
    first = everywhere(two, host(nic(rp_filter=1), nic("eth1")))
    states = [said("dsr", facts)[0] for facts in (strict, loose, overall, first)]
    return states == ["BLOCKED", "DRIFT", "BLOCKED", "DRIFT"] and "requests that come in by eth1" in said("dsr", strict)[1] \
        and "Several devices" in said("dsr", two)[1] and "Several devices" not in said("dsr", loose)[1]


def mtu_and_pods():
    jumbo, mixed = everywhere(FACTS, host(nic(mtu=9000))), everywhere(FACTS, host(nic(mtu=9000)), node_2=host(nic(mtu=1500)))
    fixed = {"MTU": 1450}, {"mtu": "1450"}
    by_hand = [everywhere(one.cluster("1.18.12-snat-native", *fixed), host(nic(mtu=9000)), **more)
               for more in ({}, {"node_2": host(nic(mtu=1500))})]
    return [said("pod_mtu", facts, options)[0] for facts, options in (
        (jumbo, {"mtu": 9000}), (mixed, {"mtu": 9000}), (mixed, {"mtu": 1400}), (by_hand[0], {}), (by_hand[1], {}),
        (FACTS, {"mtu": 9000}))] == ["DRIFT", "BLOCKED", "DRIFT", "DRIFT", "BLOCKED", "UNKNOWN"]


PAIRS = {
    ("jumbo_mtu", "xdp"): mtu_and_xdp, ("queues", "xdp"): queues_and_xdp, ("irq_affinity", "xdp"): pins_and_xdp,
    ("tuned_profile", "bbr"): profile_and_bbr, ("tuned_profile", "dsr"): fast_open_and_dsr,
    ("sysctl files", "bandwidth_manager"): discipline_and_bandwidth,
    ("tuned_profile", "bandwidth_manager"): backlog_and_bandwidth, ("rp_filter", "dsr"): reverse_path_and_dsr,
    ("jumbo_mtu", "pod_mtu"): mtu_and_pods,
}


@pytest.mark.parametrize("meeting", meetings.MEETINGS, ids=lambda meeting: f"{meeting.host}-{meeting.cluster}")
def test_each_pair(meeting):
    assert PAIRS[meeting.host, meeting.cluster]()
