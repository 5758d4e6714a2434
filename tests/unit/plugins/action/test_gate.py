# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play

PLAN = [
    {"fastpath.cilium.judge": {"facts": "{{ facts }}"}, "register": "judged"},
    {"fastpath.cilium.plan": {"facts": "{{ facts }}", "verdicts": "{{ judged.verdicts }}", "acknowledge": "{{ names }}"},
     "register": "planned"},
]


def gate(name, **arguments):
    return {"fastpath.cilium.gate": arguments, "register": name, "ignore_errors": True}


def test_a_plan_is_let_through_only_accepted_and_on_the_cluster_it_was_made_for(tmp_path):
    moved = "{{ facts | combine({'cluster': {'uid': 'other'}}) }}"
    played = play(tmp_path, [
        *PLAN,
        gate("fits", plan="{{ planned.plan }}", facts="{{ facts }}"),
        gate("other", plan="{{ planned.plan }}", facts=moved),
        gate("unaccepted", plan="{{ planned.plan | combine({'unacknowledged': [{'tuning': 'dsr'}]}) }}"),
    ], variables={"names": ["dsr"]})
    results = played.results
    assert results["fits"]["failures"] == [] and not results["fits"]["changed"]
    assert "another cluster" in results["other"]["msg"] and len(results["other"]["failures"]) == 1
    assert 'fastpath_acknowledge to ["dsr"]' in results["unaccepted"]["msg"]


def test_a_step_that_did_nothing_is_stopped_with_a_sentence_for_each_failure(tmp_path):
    played = play(tmp_path, [
        *PLAN,
        gate("nothing_done", before="{{ facts }}", after="{{ facts }}", step="{{ planned.plan.steps[0] }}"),
        gate("healthy", before="{{ facts }}", after="{{ facts }}"),
        gate("half", before="{{ facts }}"),
        gate("nothing"),
    ], variables={"names": []})
    results = played.results
    assert len(results["nothing_done"]["failures"]) == 5
    assert "cilium-config has bpf-lb-mode not set, expected dsr." in results["nothing_done"]["msg"]
    assert results["healthy"]["failures"] == []
    assert "after" in results["half"]["msg"] and "plan" in results["nothing"]["msg"]
    assert "Traceback" not in played.text
