# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.fixtures.hosts.models import MODELS
from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused


def read(tmp_path, model):
    folder = tmp_path / model
    folder.mkdir()
    return {"name": "Read", "fastpath.cilium.host_info": {"root": MODELS[model](folder), "ask_tuned": False}, "register": "host"}


def judge(tunings, register):
    return {"fastpath.cilium.host_judge": {"facts": "{{ host.facts }}", "tunings": tunings}, "register": register}


def test_a_host_is_judged_and_told_what_brings_it_in_line(tmp_path):
    played = play(tmp_path, [read(tmp_path, "connectx"), judge({"irq_affinity": {}, "cpu_performance": True}, "judged")], "--check")
    assert played.code == 0, played.text
    judged = played.results["judged"]
    assert {verdict["tuning"]: verdict["state"] for verdict in judged["verdicts"]} == {
        "cpu_performance": "DRIFT", "irq_affinity": "DRIFT"}
    assert (judged["outcome"], judged["risk"], judged["why"], judged["changed"]) == ("drift", "none", None, False)
    assert {op["kind"] for op in judged["ops"]} == {"value", "file", "unit"}, "its interrupts are where they belong"


def test_what_cannot_be_had_is_told_with_its_way_out(tmp_path):
    played = play(tmp_path, [read(tmp_path, "tuned"), judge({"tuned_profile": {"profile": "network-throughput"}}, "judged")])
    assert played.results["judged"]["outcome"] == "blocked" and played.results["judged"]["ops"] == []
    assert "has no profile network-throughput" in played.results["judged"]["why"]


def test_bad_arguments_are_one_sentence(tmp_path):
    messages = refused(
        tmp_path,
        {"fastpath.cilium.host_judge": {"facts": {}, "tunings": {"irq_afinity": {}}}},
        {"fastpath.cilium.host_judge": {"facts": {}, "tunings": {"tuned_profile": {"profile": "network-latenzy"}}}},
        {"fastpath.cilium.host_judge": {"facts": {}}},
    )
    assert "did you mean irq_affinity?" in messages[0] and "did you mean network-latency" in messages[1]
    assert messages[2] == "missing required arguments: tunings"
