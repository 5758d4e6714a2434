# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.host_phase import ALONE, cluster, planned

FAST = {**ALONE, "cpu_performance": True}


def test_a_plan_of_hosts_survives_ansible_and_what_is_missing_afterwards_is_a_failure(tmp_path):
    facts = cluster()
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    given = {"facts": f"{{{{ lookup('file', '{tmp_path}/facts.json') | from_json }}}}", "tunings": FAST}
    step = {**given, "hosts": ["rack-node-2"], "plan": "{{ planned.plan }}"}
    played = play(tmp_path, [
        {"fastpath.cilium.judge": given, "register": "judged"},
        {"fastpath.cilium.plan": {**given, "verdicts": "{{ judged.verdicts }}", "host_verdicts": "{{ judged.host_verdicts }}"},
         "register": "planned"},
        {"fastpath.cilium.host_step": {**step, "stage": "before"}, "register": "before"},
        {"fastpath.cilium.host_step": {**step, "stage": "after"}, "register": "after", "ignore_errors": True},
    ], "--check")
    assert played.results["planned"]["plan"]["digest"] == planned(facts, FAST)["digest"]
    assert [step["host"] for step in played.results["before"]["steps"]] == ["rack-node-2"]
    assert played.results["after"]["failed"] and "cpu_performance is not in place" in played.results["after"]["msg"]
    assert len(played.results["after"]["failures"]) == 1


def test_bad_arguments_are_one_sentence(tmp_path):
    messages = refused(
        tmp_path,
        {"fastpath.cilium.host_step": {"plan": {}, "facts": {}, "hosts": ["rack-9"], "stage": "before"}},
        {"fastpath.cilium.host_step": {"plan": {}, "facts": {}, "hosts": [], "stage": "between"}},
        {"fastpath.cilium.host_step": {"plan": {}, "facts": {}, "hosts": [], "stage": "after", "tunings": {"irq": {}}}},
    )
    assert messages[0] == "rack-9: It is no host of a node of this cluster any more."
    assert "between" in messages[1] and "fastpath_tunings names 'irq'" in messages[2]
