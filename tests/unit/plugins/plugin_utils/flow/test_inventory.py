# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import inventory, report
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

FIXTURE = "1.18.12-snat-native"
junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["facts", "host", "node", "boot_id", "schema", "failed", "msg", "x"]), inner, max_size=4))


def answer(boot, **more):
    return {"facts": {"schema": 1, "boot_id": boot, **more}, "changed": False}


def hosts(answers, former=None, facts=None):
    whole = inventory.with_hosts(facts or cluster(), answers, former)
    return {entry["host"]: entry for entry in whole["hosts"] or ()}


def cluster():
    """The recorded cluster with boot IDs as kernels have them."""
    facts = model.load(FIXTURE)
    for number, node in enumerate(facts["nodes"]):
        node["boot_id"] = f"{number:08x}-0000-4000-8000-000000000000"
    return facts


def boots():
    return {node["name"]: node["boot_id"] for node in cluster()["nodes"]}


def test_no_inventory_is_null_and_hosts_are_matched_by_boot_id_whatever_their_names():
    assert inventory.with_hosts(cluster(), {})["hosts"] is None
    found = hosts({"rack-7.example": answer(boots()["node-2"])})
    assert (found["rack-7.example"]["node"], found["rack-7.example"]["problem"]) == ("node-2", None)
    view = View(inventory.with_hosts(cluster(), {"rack-7.example": answer(boots()["node-2"], hostname="x")}))
    assert view.host("node-2")["hostname"] == "x" and view.host_name("node-2") == "rack-7.example"
    assert view.host("node-1") is None and view.host_name("node-1") is None


@pytest.mark.parametrize("given_answer, words", [
    ({"unreachable": True, "msg": "Connection refused"}, "could not be reached: Connection refused"),
    ({"unreachable": True, "msg": "Task failed: No route to host"}, "could not be reached: No route to host"),
    ({"failed": True, "msg": "no python"}, "could not be read: no python"),
    ({}, "no facts document"), ("noise", "no facts document"), ({"facts": {"schema": 2, "boot_id": "b000"}}, "no facts document"),
    (answer(None), "boot ID could not be read"), (answer("11111111-0000-4000-8000-000000000000"), "No node of this cluster"),
])
def test_a_host_without_a_node_says_why(given_answer, words):
    entry = hosts({"a": given_answer})["a"]
    assert entry["node"] is None and words in entry["problem"]


def test_one_machine_under_two_names_and_two_nodes_on_one_machine_are_no_match():
    twice = hosts({"a": answer(boots()["node-1"]), "b": answer(boots()["node-1"])})
    assert [entry["node"] for entry in twice.values()] == [None, None] and "same boot ID as b" in twice["a"]["problem"]
    facts = cluster()
    facts["nodes"][1]["boot_id"] = facts["nodes"][0]["boot_id"]
    alike = hosts({"a": answer(facts["nodes"][0]["boot_id"])}, facts=facts)["a"]
    assert alike["node"] is None and "more than one node (node-1, node-2)" in alike["problem"]


def test_a_host_that_is_read_again_replaces_its_entry_and_the_others_stay():
    old = {"a": answer(boots()["node-1"], hostname="old"), "b": answer(boots()["node-2"], hostname="old")}
    former = inventory.with_hosts(cluster(), old)["hosts"]
    found = hosts({"a": answer(boots()["node-1"], hostname="new")}, former)
    assert [(name, entry["facts"]["hostname"], entry["node"]) for name, entry in found.items()] == [
        ("a", "new", "node-1"), ("b", "old", "node-2")]
    gone = hosts({"a": {"unreachable": True, "msg": "gone"}}, former)
    assert gone["a"]["facts"] is None and gone["a"]["node"] is None


def test_the_report_tells_hosts_without_a_node_and_nodes_without_a_host():
    answers = {"a": answer(boots()["node-1"]), "b": answer("11111111-0000-4000-8000-000000000000"), "c": {"unreachable": True, "msg": "refused"}}
    text = report.render(inventory.with_hosts(cluster(), answers), width=120)
    assert "Hosts     3 in the inventory, 2 read, 1 of them nodes" in text
    assert "b: No node of this cluster has its boot ID" in text and "c: It could not be reached: refused" in text
    assert "Without a host: node-2, node-3" in text
    assert "Hosts" not in report.render(cluster())


def test_a_former_entry_that_lacks_its_parts_is_no_exception():
    assert inventory.with_hosts(cluster(), {}, [{"host": "a"}])["hosts"] == [{"host": "a", "node": None, "problem": None, "facts": None}]


@settings(deadline=None)
@given(junk, junk, junk)
def test_garbage_is_no_exception(facts, one, former):
    whole = inventory.with_hosts(facts, {"a": one}, former)
    assert {entry["node"] for entry in whole["hosts"]} <= {None} and inventory.told(View(whole)) is not None
    assert View(whole).host("node-1") is None
