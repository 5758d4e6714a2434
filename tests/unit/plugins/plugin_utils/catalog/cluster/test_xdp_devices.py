# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""XDP by the devices of hosts."""
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.host_model import everywhere, host, nic, with_hosts

NATIVE = {"mode": "native"}
FACTS = model.load("1.16.19-snat-native")
BOND = nic("eth0", None, kind="bond", bond={"mode": "802.3ad", "ports": ["p0", "p1"]}, real=["p0", "p1"])


def test_native_is_a_step_where_every_device_of_every_node_takes_it():
    step = one.step("xdp", everywhere(FACTS), NATIVE)
    assert step["values"] == {"loadBalancer.acceleration": "native"} and step["residue"]
    assert step["disturbs"] == ["irq_affinity", "jumbo_mtu"]
    notes = " ".join(one.verdict("xdp", everywhere(FACTS), NATIVE)["notes"])
    assert "check ip link" not in notes, "what is known needs no look"


@pytest.mark.parametrize("other, words", [
    (host(nic(mtu=9000)), "its MTU is 9000, and with XDP its driver takes 3498 at most"),
    (host(nic(driver="e1000e")), "its driver e1000e takes no native XDP"),
    (host(nic(driver="ena", queues={"rx": 8, "tx": 8, "channels": {"combined": {"current": 8, "max": 8}}})), "at most half"),
    (host(release="4.4.0-1"), "before Linux 4.9"),
    (host(BOND, nic("p0"), nic("p1", "e1000e")), "p1: its driver e1000e"),
    (host(nic("eth0", None, kind="vlan", real=["p0"]), nic("p0")), "8021q takes no native XDP"),
])
def test_one_node_whose_device_does_not_is_named_with_the_reason_and_the_way_out(other, words):
    found = one.verdict("xdp", everywhere(FACTS, node_2=other), NATIVE)
    assert one.is_refused(found, "BLOCKED", words, "best-effort") and found["nodes"] == ["node-2"], found["reason"]
    assert "does not go on node-2," in found["reason"]


def test_a_bond_over_ports_that_take_it_takes_it():
    assert one.verdict("xdp", everywhere(FACTS, host(BOND, nic("p0"), nic("p1"))), NATIVE)["state"] == "DRIFT"


@pytest.mark.parametrize("other, words", [
    (host(nic(driver="a_new_one")), "is not known"), (host(nic(mtu=None)), "its MTU is not known"),
    (host(nic("eth7")), "its host does not show eth0"),
])
def test_what_is_not_known_of_one_node_is_unknown(other, words):
    found = one.verdict("xdp", everywhere(FACTS, node_2=other), NATIVE)
    assert one.is_refused(found, "UNKNOWN", words, "inventory") and found["nodes"] == ["node-2"], found["reason"]


def test_a_node_without_a_host_is_unknown_unless_its_agent_shows_it():
    hosts = {"node-1": host(), "node-3": host()}
    found = one.verdict("xdp", with_hosts(FACTS, hosts), NATIVE)
    assert found["state"] == "UNKNOWN" and found["nodes"] == ["node-2"] and "nothing is known of its host" in found["reason"]
    proved = one.cluster("1.16.19-snat-native", live={"xdp_acceleration": "native"})
    assert one.verdict("xdp", proved, NATIVE)["state"] == "DRIFT"


def test_best_effort_says_what_it_leaves_out_and_has_no_meaning_where_that_is_all():
    found = one.verdict("xdp", everywhere(FACTS, node_2=host(nic(mtu=9000))))
    assert found["state"] == "DRIFT" and "Left out on node-2: eth0: its MTU is 9000" in " ".join(found["notes"])
    nowhere = one.verdict("xdp", everywhere(FACTS, host(nic(driver="e1000e"))))
    assert one.is_refused(nowhere, "NOT_APPLICABLE", "takes no native XDP", "Leave xdp out")
    partly = one.cluster("1.16.19-snat-native", live={"devices": ["eth0", "eth1"]})
    assert one.verdict("xdp", everywhere(partly, host(nic(driver="e1000e"), nic("eth1"))))["state"] == "DRIFT"
