# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gate, patches, report
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed

BBR = {"bbr": {}}


def test_nodes_of_a_step_show_what_is_theirs():
    first, second = mixed.made(mixed.cluster(), BBR)["steps"]
    assert first["tunings"] == ["host_routing", "bandwidth_manager"]
    assert first["expect_nodes"] == {"node-3": {"bandwidth_manager": "enabled"}}
    assert second["expect_nodes"] == {"node-3": {}} and second["renew"] == ["node-3"]
    assert first["own_nodes"] == {"fastpath-host-routing": ["node-3"]} and first["former_node_configs"] == []


def test_the_gate_asks_each_node_for_its_own_and_for_its_configuration():
    facts = mixed.cluster()
    step = mixed.made(facts, BBR)["steps"][0]
    after = mixed.after(facts, [step])
    assert gate.gate(facts, after, step) == []
    after["agents"][2]["status"]["bandwidth_manager"] = "disabled"
    assert gate.gate(facts, after, step) == ["The agent of node-3 runs bandwidth_manager disabled, expected enabled."]
    gone = mixed.after(facts, [step])
    gone["node_configs"] = []
    assert gate.gate(facts, gone, step) == ["CiliumNodeConfig fastpath-host-routing is not as it was written."]
    old = mixed.after(facts, [step])
    old["agents"][2]["created_at"] = old["node_configs"][0]["changed_at"]
    assert gate.gate(facts, old, step) == ["The agent of node-3 started before the last change of cilium-config."]


def test_the_report_says_who_is_left_out_and_what_they_are_given():
    facts = mixed.cluster()
    verdicts, plan = list(mixed.verdicts(facts, BBR).values()), mixed.made(facts, BBR)
    text = " ".join(report.render(facts, verdicts, plan).split())
    assert "Left out node-3: its kernel 5.4.0-150-generic is older than 5.18" in text
    assert "CiliumNodeConfig fastpath-bbr gives node-3 enable-bbr false" in text
    done = mixed.after(facts, plan["steps"])
    assert "Left out node-3" in " ".join(report.render(None, list(mixed.verdicts(done, BBR).values())).split())


def test_a_foreign_owner_gets_a_file_for_each():
    facts = mixed.cluster()
    facts["owner"] = {"kind": "flux", "name": "cilium", "evidence": ""}
    found = {patch["name"]: patch["text"] for patch in mixed.made(facts, BBR)["patches"]}
    assert {"patch-1-fastpath-host-routing", "patch-2-fastpath-bbr"} <= found.keys()
    assert "kind: CiliumNodeConfig" in found["patch-2-fastpath-bbr"] and "apply -f this file before" in found["patch-2-fastpath-bbr"]
    assert patches.patches(View(mixed.cluster()), []) == []


def test_what_a_group_turns_on_waits_for_the_step_of_what_it_needs():
    facts = mixed.cluster(old=(), config={"enable-bpf-masquerade": "false"}, values={"bpf.masquerade": False})
    for agent in facts["agents"]:
        agent["status"].update(masquerading="iptables", host_routing="legacy")
    steps = mixed.made(facts, {}, [{"nodes": ["node-2"], "tunings": {"bbr": True}}])["steps"]
    place = {name: number for number, step in enumerate(steps) for name in step["tunings"]}
    assert steps[place["ebpf_masquerade"]]["node_configs"] == []
    assert place["ebpf_masquerade"] < place["host_routing"] < place["bbr"]
