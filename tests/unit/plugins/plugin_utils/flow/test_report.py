# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan, report
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


def rendered(facts, wanted=None, width=100, acknowledged=(), batch=1):
    chosen = policy.parse(wanted)
    verdicts = judge.judge(facts, chosen)
    return report.render(facts, verdicts, plan.plan(facts, verdicts, chosen, acknowledged, batch), None, width)


@pytest.mark.parametrize("width", [10, 60, 80, 100, 120, 500])
@pytest.mark.parametrize("fixture", model.ALL)
def test_lines_fit_and_are_plain_ascii(fixture, width):
    text = rendered(model.load(fixture), {"dsr": {}, "native_routing": {}}, width)
    assert text.isascii() and text.endswith("\n") and "\t" not in text
    assert max(map(len, text.splitlines())) <= min(max(width, 60), 120)
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_the_example_says_what_an_engineer_asks_first():
    text = rendered(model.load("1.13.4-snat-native"))
    for said in (
        "uid 5f0c2a58", "Kubernetes v1.26.3, 3 nodes", "chart cilium 1.13.4", "revision 3 (deployed)", "3 of 3, 3 ready",
        "Step 1 of 1: 1-dsr-switch  [risk: connections lost]", "loadBalancer.mode: not set -> dsr",
        "3 agents, 1 at a time: node-2, node-3, node-1", "Undo ", "sha256:",
        """-e '{"fastpath_acknowledge": ["dsr"]}'""",
    ):
        assert said in text, said
    assert re.search(r"^dsr +DRIFT +snat +dsr$", text, re.MULTILINE)
    assert "fastpath_acknowledge" not in rendered(model.load("1.13.4-snat-native"), acknowledged=["dsr"])


def test_mixed_agents_are_counted():
    assert "2x snat / 1x dsr" in rendered(model.load("1.13.4-mixed-modes"))


def test_a_way_out_is_told_once():
    text = rendered(model.load("1.14.19-kpr-off"))
    assert text.count("Choose an address of the API server") == 1 and "see kube_proxy_replacement above" in text
    assert "dsr: BLOCKED, see above" in text


def test_what_could_not_be_read_is_listed_with_its_class():
    text = rendered(model.load("1.13.4-partly-unread"))
    assert "COULD NOT BE READ" in text and "agents/node-2/status" in text and "timeout" in text
    facts = model.load("1.13.4-snat-native")
    facts["unread"] = [{"what": f"agents/node-{number}/status", "class": "denied", "reason": "no"} for number in range(50)]
    assert "... and 30 more" in rendered(facts)


def test_hostile_text_neither_reaches_the_terminal_nor_makes_lines():
    facts = model.load("1.13.4-snat-native")
    evil = "\x1b]0;owned\x07\x1b[2J<script>{{ 7 * 7 }}\r\nTUNING OK \u202e" + "A" * 100_000
    facts["cluster"]["server"] = facts["agents"][0]["node"] = facts["nodes"][0]["name"] = evil
    facts["unread"] = [{"what": evil, "class": evil, "reason": evil}]
    text = rendered(facts)
    assert not set(text) & set("\x1b\x07\r\u202e") and len(text) < 20_000
    assert "{{ 7 * 7 }}" in text and not any(line.startswith("TUNING OK") for line in text.splitlines())


def test_the_result_tells_every_node():
    text = report.render(result={
        "run_id": "20261123T225241Z-09af3c", "outcome": "rolled_back", "message": "node-2 did not come back.",
        "steps": [{"id": "1-dsr-switch", "state": "undone", "former_revision": 3, "revision": 4}],
        "nodes": {"node-1": "untouched", "node-2": "rolled_back", "node-3": "changed", "node-4": "unknown"}})
    for said in ("rolled back: values, configuration and agents are as they were before", "node-2 did not come back.", "1 untouched: node-1",
                 "1 rolled back and verified: node-2", "1 changed and verified: node-3", "unknown: look at this node: node-4",
                 "1-dsr-switch: undone (former revision 3, revision 4)"):
        assert said in text


def test_owners_and_missing_releases_are_named_at_the_top():
    facts = model.load("1.13.4-snat-native")
    facts["owner"] = {"kind": "flux", "name": "cilium", "evidence": ""}
    assert "owned by flux cilium" in " ".join(rendered(facts).split())
    assert "no Helm release" in rendered(model.load("1.16.19-no-release"))
    assert "Helm release unread" in rendered({**facts, "release": None, "release_found": None})


def profiled(profile="max"):
    facts = model.load("1.13.4-snat-native")
    chosen = policy.parse(None, profile=profile)
    verdicts = judge.judge(facts, chosen)
    return report.render(facts, verdicts, plan.plan(facts, verdicts, chosen))


def test_a_way_out_is_named_again_only_where_there_is_one():
    lines = profiled().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("    Way out   see "):
            above = line.split()[3]
            start = lines.index(next(text for text in lines if text.startswith(f"{above}: ")))
            assert any(text.startswith("    Way out") for text in lines[start:number]), line


def test_what_no_agent_shows_is_told_from_its_configuration():
    assert re.search(r"^pmtu_discovery +DRIFT +not set +true$", profiled(), re.MULTILINE)


def test_a_profile_says_what_is_left_out_and_why_in_a_line_each():
    shown = profiled()
    assert "  dsr: Add dsr to fastpath_acknowledge to have it done." in shown
    assert "  clock_probe: judged only, see above" in shown and "  netkit: BLOCKED, see above" in shown


def test_a_step_of_many_tunings_has_a_short_name_and_lists_them():
    shown = profiled()
    assert "1-agents  [risk: agent restart]" in shown
    assert re.search(r"^    For +no_conntrack, pmtu_discovery, ", shown, re.MULTILINE)


def test_a_step_that_changes_the_way_between_nodes_says_how_it_is_proved_and_what_makes_it_shorter():
    shown = " ".join(rendered(model.load("1.13.4-tunnel-vxlan"), {"native_routing": {}}).split())
    assert "Proof every agent must reach every node and its pods as before" in shown and "a larger fastpath_batch" in shown
    assert "Proof every agent" not in " ".join(rendered(model.load("1.13.4-snat-native"), {"dsr": {}}).split())
