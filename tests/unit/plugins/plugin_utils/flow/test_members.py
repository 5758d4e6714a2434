# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import inventory, members
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model, machine_model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.host_phase import FIXTURE, cluster

junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["facts", "host", "node", "boot_id", "schema", "problem", "name"]), inner, max_size=4))


def found(facts):
    return {host.name: host for host in members.of(View(facts), {})}


def test_each_node_has_its_host_by_the_name_in_the_inventory():
    hosts = found(cluster())
    assert list(hosts) == ["rack-node-1", "rack-node-2", "rack-node-3"]
    assert hosts["rack-node-2"].node["name"] == "node-2" and hosts["rack-node-2"].facts["cpufreq"]
    assert hosts["rack-node-2"].problem is None and len(hosts["rack-node-2"].view.agents) == 3


def test_a_node_without_a_host_stands_for_itself_with_the_reason():
    hosts = found(cluster("node-1"))
    assert list(hosts) == ["node-2", "node-3", "rack-node-1"]
    assert hosts["node-3"].facts == {} and "add it to the inventory" in hosts["node-3"].problem


def test_hosts_of_another_cluster_are_none_of_its():
    other = {"facts": {**machine_model.facts(), "boot_id": "99999999-0000-4000-8000-000000000000"}}
    facts = cluster()
    assert list(found(inventory.with_hosts(facts, {"else": other}, facts["hosts"]))) == [
        "rack-node-1", "rack-node-2", "rack-node-3"]


def test_a_node_that_is_called_as_another_ones_host_is_told_apart():
    facts = cluster("node-1")
    facts["hosts"][0]["host"] = "node-2"
    assert list(found(facts)) == ["node-2", "node-2 (node)", "node-3"]


def test_without_an_inventory_there_are_none_and_without_nodes_none_is_known():
    assert members.of(View(cluster_model.load(FIXTURE)), {}) == []
    hosts = found({**cluster(), "nodes": None})
    assert list(hosts) == ["rack-node-1", "rack-node-2", "rack-node-3"]
    assert all(host.problem and not host.facts for host in hosts.values())


@given(junk, junk)
def test_garbage_never_raises(hosts, nodes):
    members.of(View({"schema": 1, "hosts": hosts, "nodes": nodes}), {})
    members.of(View({"schema": 1, "hosts": [hosts], "nodes": [nodes]}), {})


@pytest.mark.parametrize("facts", [None, {}, {"schema": 1, "hosts": [{"host": None}]}])
def test_no_facts_are_no_hosts_or_hosts_with_a_problem(facts):
    assert all(host.problem for host in members.of(View(facts), {}))
