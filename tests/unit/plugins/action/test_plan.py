# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused

JUDGE = {"fastpath.cilium.judge": {"facts": "{{ facts }}"}, "register": "judged"}
PLAN = {"facts": "{{ facts }}", "verdicts": "{{ judged.verdicts }}"}


def test_a_plan_survives_ansible(tmp_path):
    played = play(tmp_path, [
        JUDGE,
        {"fastpath.cilium.plan": PLAN, "register": "plain"},
        {"fastpath.cilium.plan": {**PLAN, "acknowledge": ["dsr"], "batch": 2}, "register": "accepted"},
    ], fixture="1.18.12-snat-native")
    assert played.code == 0, played.text
    plain, accepted = played.results["plain"]["plan"], played.results["accepted"]["plan"]
    assert [step["stage"] for step in plain["steps"]] == ["receive", "send"]
    assert plain["steps"][0]["values"]["bpf.lbModeAnnotation"] is True
    assert (plain["unacknowledged"][0]["tuning"], accepted["unacknowledged"], accepted["batch"]) == ("dsr", [], 2)
    assert plain["digest"] == accepted["digest"]


def test_bad_arguments_are_one_sentence(tmp_path):
    messages = refused(
        tmp_path,
        {"fastpath.cilium.plan": {"facts": {}, "verdicts": [], "acknowledge": ["drs"]}},
        {"fastpath.cilium.plan": {"facts": {}, "verdicts": [], "batch": 0}},
        {"fastpath.cilium.plan": {"facts": {}}},
        {"fastpath.cilium.plan": {"facts": {}, "verdicts": [], "canary": -1}},
        {"fastpath.cilium.plan": {"facts": {}, "verdicts": [], "groups": [{"nodes": ["a"], "tunings": {"dsr": False}}]}},
        {"fastpath.cilium.judge": {"facts": {}, "groups": "x"}},
        {"fastpath.cilium.plan": {"facts": {}, "verdicts": [], "serial": 0}},
    )
    assert "fastpath_acknowledge names 'drs'" in messages[0] and "at least one agent" in messages[1]
    assert messages[2] == "missing required arguments: verdicts"
    assert "canary is -1" in messages[3] and "dsr, which must be alike on all nodes" in messages[4]
    assert "fastpath_groups must be a list" in messages[5] and "at least one host" in messages[6]
