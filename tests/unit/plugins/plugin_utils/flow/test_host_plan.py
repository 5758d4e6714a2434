# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model


def plan(hosts, tunings=None, profile=None):
    chosen = policy.parse({} if profile and tunings is None else tunings, catalogue=catalog.hosts(), profile=profile)
    made = [Host(name, facts, node, policy=chosen) for name, (facts, node) in hosts.items()]
    return host_plan.plan(made, host_judge.judge(made, chosen), chosen)


WORKER, CONTROL = {**model.NODE}, {**model.NODE, "control_plane": True}


def test_workers_come_first_and_whoever_is_not_known_to_be_one_last():
    made = plan({"a": (model.facts(), CONTROL), "b": (model.facts(), None), "c-10": (model.facts(), WORKER),
                 "c-9": (model.facts(), WORKER)}, {"cpu_performance": True})
    assert made["order"] == ["c-9", "c-10", "a", "b"]


def test_a_host_in_line_has_no_step():
    done = model.apply(model.facts(), model.planned("cpu_performance", model.facts())["hosts"]["node-1"]["ops"])
    assert list(plan({"a": (done, WORKER), "b": (model.facts(), WORKER)}, {"cpu_performance": True})["hosts"]) == ["b"]


def test_what_is_named_and_blocked_on_one_host_makes_the_outcome():
    rt = model.changed(model.facts(), "preemption.build", "rt")
    made = plan({"a": (rt, WORKER), "b": (model.facts(), WORKER)}, {"kernel_preemption": True})
    assert made["outcome"] == "blocked" and made["blocked"][0]["tuning"] == "kernel_preemption"
    assert list(made["hosts"]) == ["b"]


def test_what_only_a_profile_brought_in_is_left_out_and_told():
    rt = model.changed(model.facts(), "preemption.build", "rt")
    made = plan({"a": (rt, WORKER)}, profile="throughput")
    assert made["outcome"] == "drift" and [entry["tuning"] for entry in made["left_out"]] == ["kernel_preemption"]
    assert "kernel_preemption" not in made["hosts"]["a"]["tunings"]


def test_hints_hold_nothing_back():
    old = model.changed(model.facts(), "kernel.release", "5.4.0")
    assert plan({"a": (old, WORKER)}, {"kernel_upgrade": True, "source_dest_check": True})["outcome"] == "in_line"


def test_what_is_not_applied_is_blocked_where_it_is_named_and_differs():
    made = plan({"a": (model.facts(), WORKER)}, {"jumbo_mtu": True})
    assert made["outcome"] == "blocked" and made["hosts"] == {} and "ping" in made["blocked"][0]["way_out"]


def test_risk_and_words_are_those_of_what_is_done():
    step = plan({"a": (model.facts(), WORKER)}, {"cpu_performance": True, "irq_affinity": True})["hosts"]["a"]
    assert step["risk"] == "none" and step["tunings"] == ["cpu_performance", "irq_affinity"]
    assert "clocked up" in step["reason"] and "irqbalance" in step["undo"]


def test_a_thousand_hosts_are_planned_one_like_the_other():
    made = plan({f"node-{number}": (model.facts(), WORKER) for number in range(300)}, {"irq_affinity": True})
    assert len(made["hosts"]) == 300 and len({str(step["ops"]) for step in made["hosts"].values()}) == 1


def test_a_refusal_is_a_sentence_with_its_way_out():
    rt = model.changed(model.facts(), "preemption.build", "rt")
    said = host_plan.refusal(plan({"a": (rt, WORKER)}, {"kernel_preemption": True}))
    assert said.startswith("kernel_preemption is BLOCKED: a: ") and "standard kernel" in said
    assert host_plan.refusal(plan({"a": (model.facts(), WORKER)}, {"kernel_preemption": True})) is None


def test_settings_that_rest_on_one_op_have_it_done_once():
    ops = plan({"a": (model.facts(), WORKER)}, {"irq_affinity": True, "tuned_profile": True})["hosts"]["a"]["ops"]
    stopped = [op for op in ops if op.get("name") == "irqbalance.service"]
    assert stopped == [{"kind": "unit", "name": "irqbalance.service", "enabled": "disabled", "active": False}]
    assert all(ops.count(op) == 1 for op in ops)
