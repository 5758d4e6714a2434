# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_check
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.host_phase import (
    ALONE, cluster, locked_down, planned)

FAST = {**ALONE, "cpu_performance": True}
PREEMPTION = {**ALONE, "kernel_preemption": True}
ONE = ["rack-node-2"]


def before(plan, facts, wanted=None):
    return host_check.before(plan, facts, ONE, policy.parse(wanted or FAST))


def after(plan, facts, wanted=None):
    return host_check.after(plan, facts, ONE, policy.parse(wanted or FAST))


def entry_of(facts, node="node-2"):
    return next(entry for entry in facts["hosts"] if entry["node"] == node)


def changed(facts, path, value):
    found = copy.deepcopy(facts)
    entry = entry_of(found)
    entry["facts"] = machine_model.changed(entry["facts"], path, value)
    return found


def applied(facts, plan, name="rack-node-2"):
    found = copy.deepcopy(facts)
    entry = next(entry for entry in found["hosts"] if entry["host"] == name)
    entry["facts"] = machine_model.apply(entry["facts"], plan["hosts"][name]["ops"])
    return found


def test_a_host_as_it_was_takes_the_planned_ops():
    made = planned(cluster(), FAST)
    steps, failures = before(made, cluster())
    assert failures == [] and steps == [{
        "host": "rack-node-2", "node": "node-2", "boot_id": made["hosts"]["rack-node-2"]["boot_id"], "reboot": False,
        "ops": made["hosts"]["rack-node-2"]["ops"]}]


def test_what_is_in_place_by_now_is_not_done_again():
    made = planned(cluster(), FAST)
    steps, failures = before(made, changed(cluster(), "cpufreq.policies.0.governor", "performance"))
    assert failures == [] and len(steps[0]["ops"]) == len(made["hosts"]["rack-node-2"]["ops"]) - 1
    assert before(made, applied(cluster(), made)) == ([{**steps[0], "ops": []}], [])


@pytest.mark.parametrize("path, value, words", [
    ("boot_id", "77777777-0000-4000-8000-000000000000", "it restarted, or is another node, after the plan was made: plan again."),
    ("cpufreq.policies.0.governors", ["powersave"], "cpu_performance is BLOCKED by now"),
    ("cpufreq.policies.0.policy", "policy9", "needs something else by now: plan again."),
])
def test_a_host_that_is_not_as_it_was_planned_for_is_refused(path, value, words):
    _steps, [failure] = before(planned(cluster(), FAST), changed(cluster(), path, value))
    assert failure.startswith("rack-node-2: ") and words in failure


def test_a_host_that_does_not_answer_any_more_is_refused_with_the_reason():
    facts, made = cluster(), planned(cluster(), FAST)
    entry = entry_of(facts)
    entry.update(node=None, facts=None, problem="It could not be reached: no route to host")
    for failures in (before(made, facts)[1], after(made, facts)[1]):
        assert failures == ["rack-node-2: It could not be reached: no route to host"]


def test_everything_must_be_in_place_afterwards():
    made = planned(cluster(), FAST)
    assert after(made, applied(cluster(), made)) == ({"rack-node-2": []}, [])
    _pending, [failure] = after(made, cluster())
    assert failure.startswith("rack-node-2: cpu_performance is not in place: ") and "policy0" in failure
    lost = applied(cluster(), made)
    entry_of(lost)["facts"]["cpufreq"]["policies"][0]["governor"] = None
    assert "cpu_performance is UNKNOWN" in after(made, lost)[1][0]


def test_what_only_a_reboot_brings_is_pending_and_no_failure():
    facts = cluster(node_2=locked_down())
    made = planned(facts, PREEMPTION)
    assert after(made, applied(facts, made), PREEMPTION) == ({"rack-node-2": ["the live preemption model"]}, [])
    assert "kernel_preemption is not in place" in after(made, facts, PREEMPTION)[1][0]


def test_a_host_that_restarted_by_itself_is_a_failure_and_one_that_was_to_be_rebooted_must_have():
    facts = cluster(node_2=locked_down())
    for reboot, words in ((False, "it restarted while it was changed."), (True, "it did not restart.")):
        made = planned(facts, PREEMPTION, reboot=reboot)
        there = applied(facts, made)
        other = copy.deepcopy(there)
        other["nodes"][1]["boot_id"] = entry_of(other)["facts"]["boot_id"] = "77777777-0000-4000-8000-000000000000"
        assert [words in str(after(made, document, PREEMPTION)[1]) for document in (there, other)] == [reboot, not reboot]


def test_what_still_waits_after_a_reboot_is_a_failure():
    facts = cluster(node_2=locked_down())
    made = planned(facts, PREEMPTION, reboot=True)
    there = applied(facts, made)
    there["nodes"][1]["boot_id"] = entry_of(there)["facts"]["boot_id"] = "77777777-0000-4000-8000-000000000000"
    assert "still waits for a reboot, although it was rebooted (the live preemption model)" in after(made, there, PREEMPTION)[1][0]
    entry_of(there)["facts"]["preemption"]["live"] = "none"
    assert after(made, there, PREEMPTION) == ({"rack-node-2": []}, [])


def test_only_what_was_planned_for_a_host_is_looked_at():
    """A tuning that is blocked there was left out of its step, and is no reason to stop."""
    rt = machine_model.changed(machine_model.facts(), "preemption.build", "rt")
    facts = cluster(node_2=rt)
    made = planned(facts, profile="throughput")
    chosen = policy.parse(profile="throughput")
    assert "kernel_preemption" not in made["hosts"]["rack-node-2"]["tunings"]
    steps, failures = host_check.before(made, facts, ONE, chosen)
    assert failures == [] and steps[0]["ops"]
