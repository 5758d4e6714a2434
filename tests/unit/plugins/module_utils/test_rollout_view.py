# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import rollout_view
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_agents import Answer
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.rollout_view import accepted, live_differences


@pytest.mark.parametrize("found, wanted, met", [
    ("dsr", "dsr", True), ("dsr", "snat", False), (None, "dsr", False), (None, None, True), ("dsr", None, False),
    ("hybrid", ["dsr", "hybrid"], True), (None, ["opt", None], True), ("x", [], False), ("true", True, True),
    ("False", True, False), (["eth0", "eth1"], ["eth1"], True), (["eth0"], ["eth1"], False), (["eth0"], "eth0", False)])
def test_what_meets_an_expectation(found, wanted, met):
    assert accepted(found, wanted) is met


AGENT = {"options": {"routing_mode": None, "api_host": "10.0.0.10", "nodeport_mode": "dsr"}}


def test_live_differences_in_words():
    status = {"health": "warning", "nodeport_mode": "snat", "routing_mode": None, "devices": ["eth0"]}
    answer = Answer(status, "json", routing_mode="native")
    wanted = {"nodeport_mode": ["dsr", "hybrid"], "routing_mode": "native", "dsr_dispatch": "opt"}
    assert live_differences(answer, wanted, AGENT) == [
        "its health is warning", "dsr_dispatch is not there, wanted opt", "nodeport_mode is snat, wanted dsr or hybrid"]
    assert live_differences(Answer(dict(status, health="ok")), {}, AGENT) == []
    assert live_differences(Answer({}), {}, AGENT) == ["its health is not told"]


def test_what_the_status_does_not_say_the_pod_may():
    answer = Answer({"health": "ok", "api_host": None})
    assert live_differences(answer, {"api_host": "10.0.0.10"}, AGENT) == []
    assert live_differences(answer, {"api_host": "10.0.0.9"}, AGENT) == ["api_host is 10.0.0.10, wanted 10.0.0.9"]


def test_an_agent_that_was_not_read_proves_nothing():
    assert live_differences(Answer(error=Timeout("it hangs")), {}, AGENT) == ["it hangs"]


def test_one_look(api, cilium, cluster):
    view = rollout_view.look(cluster, "kube-system")
    assert list(view.agents) == cilium.names and view.config == {"bpf-lb-mode": "snat"} and view.template == "1"
    assert view.change.at is not None and view.change.is_creation is False
    assert rollout_view.unready_outside(view, []) == []
    assert rollout_view.look_at(cluster, "kube-system", view, "node-2")["pod"] == view.agents["node-2"]["pod"]
    api.objects.pop(cilium.path("node-2"))
    assert rollout_view.look_at(cluster, "kube-system", view, "node-2") is None


def test_why_a_pod_needs_a_restart(cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.put_daemonset(template="2")
    cilium.crash("node-1", "boom", 3)
    view = rollout_view.look(cluster, "kube-system")
    assert rollout_view.pod_differences(view.agents["node-2"], view) == [
        "it started before the last change of cilium-config", "it was made from a former pod template"]
    assert rollout_view.pod_differences(view.agents["node-1"], view)[0] == "it is not Ready (CrashLoopBackOff)"


@pytest.mark.parametrize("waiting, message, log, words", [
    ("CrashLoopBackOff", "no BTF", None, "CrashLoopBackOff: no BTF"),
    ("CrashLoopBackOff", None, "level=fatal msg=boom", "CrashLoopBackOff: level=fatal msg=boom"),
    (None, None, "level=info msg=well", "it does not become Ready; its log says: level=info msg=well"),
    (None, None, None, "it does not become Ready"),
])
def test_the_last_line_of_a_running_agent_is_not_given_for_the_cause(monkeypatch, waiting, message, log, words):
    monkeypatch.setattr(rollout_view, "log_tail", lambda *_arguments: log)
    agent = {"waiting": waiting, "last_message": message, "ready": False}
    assert rollout_view.last_words(None, "kube-system", agent) == words
