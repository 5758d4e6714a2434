# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model

CHOSEN = policy.parse({"cpu_performance": True}, catalogue=catalog.hosts())


def in_line():
    return model.apply(model.facts(), model.planned("cpu_performance", model.facts())["hosts"]["node-1"]["ops"])


def verdict(**hosts):
    made = [Host(name, facts, model.NODE, policy=CHOSEN) for name, facts in hosts.items()]
    return host_judge.judge(made, CHOSEN)[0]


def test_the_worst_host_decides_and_is_named():
    found = verdict(one=in_line(), two=model.facts())
    assert found["state"] == "DRIFT" and found["reason"].startswith("two: ")
    assert [found["hosts"][name]["state"] for name in ("one", "two")] == ["OK", "DRIFT"]


def test_hosts_with_the_same_reason_are_named_together():
    found = verdict(**{f"node-{number}": model.facts() for number in (10, 9, 1)})
    assert found["reason"].startswith("node-1, node-9, node-10: ")


def test_a_host_where_it_has_no_meaning_keeps_nothing_from_being_ok():
    found = verdict(one=in_line(), vm=model.facts(cpufreq={"policies": []}))
    assert found["state"] == "OK" and found["reason"].startswith("one: ")


def test_without_hosts_nothing_is_known():
    found = verdict()
    assert found["state"] == "UNKNOWN" and "inventory" in found["reason"] and found["way_out"]


def test_a_host_that_was_not_reached_is_unknown_with_the_reason():
    host = Host("far", None, problem="Failed to connect to the host via ssh: no route.\nTry again")
    found = host_judge.judge([host], CHOSEN)[0]
    assert found["state"] == "UNKNOWN" and "no route" in found["reason"] and "\n" not in found["reason"]


def test_settings_are_told_with_what_was_found():
    shown = verdict(one=model.facts())["hosts"]["one"]["settings"][0]
    assert shown == {"what": "the governor of policy0", "found": "powersave", "wanted": "performance", "at_boot": False,
                     "in_place": False}


def test_what_could_not_be_read_is_said_with_its_reason():
    facts = model.facts()
    facts["cpufreq"]["policies"][0]["governor"] = None
    facts["unread"] = [{"what": "cpufreq/policy0", "class": "denied", "reason": "Permission denied."}]
    found = verdict(one=facts)
    assert found["state"] == "UNKNOWN" and "governor of policy0: Permission denied" in found["reason"]


@pytest.mark.parametrize("labels, words", [
    ({"kubernetes.io/os": "windows"}, "The node runs windows"), ({"type": "virtual-kubelet"}, "The node is a virtual one")])
def test_nodes_that_are_no_linux_machines_are_none_of_its_business(labels, words):
    """They have no host that could be read, and that is no gap in what is known."""
    host = Host("node-9", None, {"name": "node-9", "labels": labels}, problem="No host of the inventory has its boot ID.")
    found = host_judge.judge([host], CHOSEN)[0]
    assert found["state"] == "NOT_APPLICABLE" and words in found["reason"]
    linux = Host("node-9", None, {"name": "node-9", "labels": {"kubernetes.io/os": "linux"}}, problem="No host.")
    assert host_judge.judge([linux], CHOSEN)[0]["state"] == "UNKNOWN"
