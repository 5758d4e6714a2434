# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_report, judge, report
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model, machine_model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.host_phase import (
    ALONE, FIXTURE, cluster, judged, locked_down, planned)

FAST = {**ALONE, "cpu_performance": True}
junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["hosts", "host_order", "host_batches", "reboot_pending", "tuning", "state", "reason", "notes", "changes", "ops", "pending",
         "kept", "host", "what", "found"]), inner, max_size=5))


def rendered(facts, tunings=None, profile=None, width=100, **more):
    verdicts = judge.judge(facts, policy.parse(tunings, profile=profile))
    return report.render(facts, verdicts, planned(facts, tunings, profile, **more), None, width, judged(facts, tunings, profile))


def said(text):
    return " ".join(text.split())


def test_hosts_of_one_state_and_one_reason_are_told_together():
    text = rendered(cluster(node_3=machine_model.facts(cpufreq={"policies": []})), FAST)
    assert re.search(r"^cpu_performance +DRIFT +rack-node-1, rack-node-2$", text, re.MULTILINE)
    assert re.search(r"^cpu_performance +NOT_APPLICABLE +rack-node-3$", text, re.MULTILINE)
    assert text.count("the governor of policy0 is powersave") == 1
    assert "No frequency driver" in said(text)


def test_each_host_step_shows_former_and_new_values_once_for_all_alike():
    text = rendered(cluster(), FAST)
    assert "Hosts: rack-node-1, rack-node-2, rack-node-3  [risk: none]" in text
    assert text.count("the governor of policy0: powersave -> performance") == 1
    assert "the unit that sets the governor at boot: not there -> as written by us, for the next boot" in said(text)
    assert "Order of hosts: rack-node-2, then rack-node-3, then rack-node-1; after each" in said(text)
    assert "Digest" in text and "Undo" in text


def test_many_changes_are_cut_short():
    text = rendered(cluster(node_1=machine_model.facts(devices=[machine_model.nic(queues=16, cpus=4)])), {**ALONE, "irq_affinity": True})
    assert "Hosts 1 of 2" in text and "more, see plan.json in the record" in text


def test_pending_reboots_are_told_with_the_variable():
    text = said(rendered(cluster(node_2=locked_down()), {**ALONE, "kernel_preemption": True}))
    assert "Pending rack-node-2: a reboot brings the live preemption model. Nothing is rebooted unless fastpath_reboot is true." in text
    asked = said(rendered(cluster(node_2=locked_down()), {**ALONE, "kernel_preemption": True}, reboot=True))
    assert "Pending" not in asked and "cordoned and drained" in asked and "[risk: reboot]" in asked


def test_a_profile_without_hosts_is_told_in_one_sentence():
    text = said(rendered(cluster_model.load(FIXTURE), profile="throughput"))
    assert "tuned_profile, kernel_preemption, cpu_performance, irq_affinity: It is a matter of the hosts" in text
    assert text.count("the inventory has none.") == 2, "once in the audit, and once among what is left out"


def test_the_end_says_what_became_of_hosts_with_those_alike_together():
    change = {"key": "value /x", "former": "a", "new": "b"}
    text = said(report.render(result={"run_id": "x", "outcome": "failed", "hosts": [
        {"host": "a", "state": "done", "changes": [change]}, {"host": "b", "state": "done", "changes": [change]},
        {"host": "c", "state": "started"}, {"host": "d", "state": "undone", "changes": [change] * 2, "kept": ["Hers stays."]},
        {"host": "e", "state": "done", "changes": [change], "pending": ["the live preemption model"]}]}))
    for words in ("a, b, e: 1 change changed and verified", "c: begun, and not brought to an end: look at it",
                  "d: 2 changes taken back and verified", "Kept on d: Hers stays.",
                  "Pending e: a reboot brings the live preemption model."):
        assert words in text, text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_and_are_plain_ascii(width):
    text = rendered(cluster(node_2=locked_down()), {**FAST, "kernel_preemption": True, "irq_affinity": True}, width=width)
    assert text.isascii() and max(map(len, text.splitlines())) <= width


@given(junk)
def test_garbage_never_raises(document):
    host_report.audit([document], 80)
    host_report.planned(document if isinstance(document, dict) else {}, 80)
    host_report.ended({"hosts": [document]}, 80)
