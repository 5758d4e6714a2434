# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gate, judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

BEFORE = model.load("1.13.4-snat-native")
CHOSEN = policy.parse(None)
STEP = plan.plan(BEFORE, judge.judge(BEFORE, CHOSEN), CHOSEN)["steps"][0]
AFTER = copy.deepcopy(BEFORE)
model.apply_step(AFTER, STEP)


def test_a_step_that_did_what_it_should_opens_the_gate():
    assert gate.gate(BEFORE, AFTER, STEP) == []
    assert gate.gate(BEFORE, BEFORE) == [] and gate.gate(AFTER, AFTER, None) == []


@pytest.mark.parametrize("change, sentence", [
    (lambda facts: facts["nodes"][1].update(ready=False), "Node node-2 was Ready before the step and is not Ready."),
    (lambda facts: facts["nodes"].pop(), "Node node-3 was Ready before the step and is gone."),
    (lambda facts: facts.update(nodes=None), "The nodes could not be read."),
    (lambda facts: facts["agents"].pop(), "The agent of node-3 is gone."),
    (lambda facts: facts["agents"][0].update(ready=False, waiting="CrashLoopBackOff", last_message="level=fatal\x1b[0m x"),
     "The agent of node-1 is not Ready (CrashLoopBackOff: level=fatal x)."),
    (lambda facts: facts["agents"][0].update(restarts=1), "The agent of node-1 restarted by itself (1 restarts)."),
    (lambda facts: facts["agents"][0].update(restarts=None), "The agent of node-1 does not say how often it restarted."),
    (lambda facts: facts["agents"][0]["status"].update(health="warning"), "The agent of node-1 says warning of its health."),
    (lambda facts: facts["agents"][0].update(status=None, error={"class": "timeout", "message": "too slow"}),
     "The agent of node-1 did not tell its health (too slow)."),
    (lambda facts: facts["agents"][0]["status"].update(nodeport_mode="snat"),
     "The agent of node-1 runs nodeport_mode snat, expected dsr."),
    (lambda facts: facts["agents"][0].update(config_current=False),
     "The agent of node-1 started before the last change of cilium-config."),
    (lambda facts: facts["agents"][0].update(config_current=None),
     "The agent of node-1 is not proven to have started after the last change of cilium-config."),
    (lambda facts: facts["config"]["data"].pop("bpf-lb-mode"), "cilium-config has bpf-lb-mode not set, expected dsr."),
    (lambda facts: facts.update(config=None), "cilium-config could not be read."),
    (lambda facts: facts["daemonset"].update(ready=2), "The DaemonSet has 3 updated and 2 ready agents of 3."),
    (lambda facts: facts["daemonset"].update(generation=4), "The DaemonSet's last change was not taken up yet."),
    (lambda facts: facts.update(daemonset=None), "The DaemonSet of the agents could not be read."),
    (lambda facts: facts["cluster"].update(uid="other"), "The cluster is not provably the same as before the step."),
    (lambda facts: facts["cluster"].update(uid=None), "The cluster is not provably the same as before the step."),
    (lambda facts: facts.update(agents=None), "The agents could not be read."),
])
def test_each_thing_that_went_wrong_closes_it(change, sentence):
    facts = copy.deepcopy(AFTER)
    change(facts)
    assert sentence in gate.gate(BEFORE, facts, STEP)


@pytest.mark.parametrize("state, seen, now, fine", [
    ("restarted_verified", 1, 1, True), ("restarted_verified", 1, 2, False), ("restarted_verified", None, 1, False),
    ("failed", 1, 1, False), ("skipped", 1, 1, False)])
def test_restarts_before_an_agent_was_verified_are_its_start_and_later_ones_are_trouble(state, seen, now, fine):
    facts = copy.deepcopy(AFTER)
    facts["agents"][1]["restarts"] = now
    rolled = {"node-2": {"state": state, "restarts": seen}}
    assert gate.gate(BEFORE, facts, STEP, rolled) == ([] if fine else [
        f"The agent of node-2 restarted by itself ({now} restarts)."])


def test_an_agent_that_was_not_of_the_step_may_run_what_it_ran():
    facts = copy.deepcopy(AFTER)
    facts["agents"][0]["status"]["nodeport_mode"] = "snat"
    assert gate.gate(BEFORE, facts, {**STEP, "nodes": ["node-2"]}) == []


def test_what_was_wrong_before_may_stay_so_but_no_failure():
    before, after = copy.deepcopy(BEFORE), copy.deepcopy(AFTER)
    before["nodes"][2]["ready"] = after["nodes"][2]["ready"] = False
    before["agents"][2]["status"]["health"] = after["agents"][2]["status"]["health"] = "warning"
    before["agents"][1]["restarts"], before["agents"][1]["uid"] = 4, after["agents"][1]["uid"]
    after["agents"][1]["restarts"] = 4
    assert gate.gate(before, after, STEP) == []
    before["agents"][2]["status"]["health"] = after["agents"][2]["status"]["health"] = "failure"
    assert gate.gate(before, after, STEP) == ["The agent of node-3 says failure of its health."]


@pytest.mark.parametrize("found, expected, fine", [
    (["a", "b"], ["a"], True), (["b"], ["a"], False), ([], ["a"], False), (None, ["a"], False), ("dsr", "dsr", True),
    (None, "dsr", False), (["a"], "a", False),
])
def test_lists_must_hold_all_that_is_expected(found, expected, fine):
    assert gate.fits(found, expected) is fine
