# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _devices as devices
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.host_model import everywhere, host, nic, with_hosts

FACTS = model.load("1.18.12-snat-native")
junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["name", "kind", "driver", "mtu", "real", "queues", "channels", "offloads", "rp_filter", "x"]), inner, max_size=5))


def first(facts):
    view = View(facts)
    return view, view.agents[0]


def test_devices_are_those_that_the_agent_uses():
    view, agent = first(everywhere(FACTS, host(nic("eth0"), nic("eth1"))))
    found, problem = devices.of_agent(view, agent)
    assert [device["name"] for device in found] == ["eth0"] and problem is None


@pytest.mark.parametrize("hosts, words", [
    ({}, "nothing is known of its host"), ({"node-1": host(nic("eth7"))}, "its host does not show eth0")])
def test_what_is_not_known_says_why(hosts, words):
    view, agent = first(with_hosts(FACTS, hosts))
    assert words in devices.of_agent(view, agent)[1]
    assert devices.native_xdp(view, agent).fits is None and devices.some_native_xdp(view, agent) is None
    assert devices.strict_reverse_path(view, agent) is None


def test_one_device_that_does_not_decides_and_one_that_does_is_some():
    two = model.load("1.18.12-snat-native")
    for agent in two["agents"]:
        agent["status"]["devices"] = ["eth0", "eth1"]
    view, agent = first(everywhere(two, host(nic("eth0"), nic("eth1", driver="e1000e"))))
    answer = devices.native_xdp(view, agent)
    assert answer.fits is False and len(answer.why) == 1 and devices.some_native_xdp(view, agent) is True


def test_the_least_mtu_of_each_node():
    sizes, unknown = devices.mtus(View(with_hosts(FACTS, {"node-1": host(nic(mtu=9000)), "node-2": host(nic(mtu=1500))})))
    assert sizes == {9000: ["node-1"], 1500: ["node-2"]} and unknown == ["node-3"]


@settings(deadline=None)
@given(junk)
def test_garbage_is_no_exception(part):
    view, agent = first(everywhere(FACTS, host({"name": "eth0", "mtu": part, "real": part, "kind": "bond", "queues": part}, cpus=part,
                                               kernel=part)))
    assert devices.native_xdp(view, agent).fits is not True
    broken = everywhere(FACTS)
    broken["hosts"][0]["facts"].update(devices=part, sysctl=part)
    view, agent = first(broken)
    assert devices.mtus(view) and devices.native_xdp(view, agent).fits is not True
    assert devices.strict_reverse_path(view, agent) is None
