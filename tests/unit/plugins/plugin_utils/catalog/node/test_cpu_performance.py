# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model

UNIT = "/etc/systemd/system/fastpath-cpu-performance.service"


def test_governor_and_preference_of_each_policy_and_the_unit_for_the_next_boot():
    ops = model.planned("cpu_performance", model.facts())["hosts"]["node-1"]["ops"]
    values = [(op["path"].rpartition("cpufreq/")[2], op["value"]) for op in ops if op["kind"] == "value"]
    assert values[:2] == [("policy0/scaling_governor", "performance"), ("policy0/energy_performance_preference", "performance")]
    assert len(values) == 8
    assert [op.get("path") or op["name"] for op in ops if op["kind"] != "value"] == [UNIT, "fastpath-cpu-performance.service"]


def test_a_policy_without_preferences_has_a_governor_only():
    found = model.facts()
    for policy in found["cpufreq"]["policies"]:
        policy.update(epp=None, epps=None)
    ops = model.planned("cpu_performance", found)["hosts"]["node-1"]["ops"]
    assert sum(op["kind"] == "value" for op in ops) == 4


def test_where_tuned_sets_it_there_is_no_unit_of_ours():
    found = model.facts()
    ops = model.planned("cpu_performance", found, others={"tuned_profile": True})["hosts"]["node-1"]["ops"]
    assert not [op for op in ops if UNIT in (op.get("path"),)]
    found["tuned"]["installed"] = False
    ops = model.planned("cpu_performance", found, others={"tuned_profile": True})["hosts"]["node-1"]["ops"]
    assert [op for op in ops if UNIT in (op.get("path"),)]


def test_a_virtual_machine_without_a_clock():
    found = model.facts(cpufreq={"policies": []}, virtualization="kvm")
    verdict = model.judged("cpu_performance", found)
    assert verdict["state"] == "NOT_APPLICABLE" and "machine below" in verdict["reason"]


def test_a_governor_that_is_not_offered():
    found = model.facts()
    found["cpufreq"]["policies"][2].update(governor="schedutil", governors=["schedutil", "powersave"])
    verdict = model.judged("cpu_performance", found)
    assert verdict["state"] == "BLOCKED" and "policy2" in verdict["reason"] and "cpufreq_performance" in verdict["way_out"]


def test_policies_that_were_not_read_are_unknown():
    found = model.facts(cpufreq={"policies": None})
    assert model.judged("cpu_performance", found)["state"] == "UNKNOWN"


def test_a_unit_that_somebody_changed_is_drift():
    found = model.facts()
    after = model.apply(found, model.planned("cpu_performance", found)["hosts"]["node-1"]["ops"])
    assert model.judged("cpu_performance", after)["state"] == "OK"
    after["files"][UNIT] += "#"
    assert "different" in model.judged("cpu_performance", after)["reason"]
