# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Laws that hold for every file of the node catalogue."""
from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_plan
from ansible_collections.fastpath.cilium.tests.fixtures.hosts.models import MODELS
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model, documents
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model

CATALOGUE = catalog.hosts()
ALL = {name: True for name in CATALOGUE}
APPLIED = [name for name, entry in CATALOGUE.items() if entry.tuning.applies]
STATES = {"OK", "DRIFT", "BLOCKED", "NOT_APPLICABLE", "UNKNOWN"}
CHOSEN = policy.parse(ALL, catalogue=CATALOGUE)

garbage = documents.garbage(["none", "performance", "balanced", "eth0", "0-3", "<hidden>"], st.integers(-3, 3))


def judged(facts, chosen=CHOSEN):
    return host_judge.judge([Host("node-1", facts, model.NODE, policy=chosen)], chosen)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_file_is_the_home_of_its_id_and_says_all_that_matters(name):
    entry = CATALOGUE[name]
    assert entry.tuning.id == name
    assert entry.tuning.title and entry.tuning.reason and entry.tuning.undo
    assert all(f"\n{section}: " in entry.doc for section in ("Why", "Cost", "Undo", "Refuse when", "Evidence"))
    assert "https://" in entry.doc.split("Evidence: ")[1]
    assert entry.tuning.applies or entry.tuning.way_out


def test_the_catalogue_is_what_lies_in_its_folder():
    folder = cluster_model.FIXTURES.parents[2] / "plugins/plugin_utils/catalog/node"
    assert set(CATALOGUE) == {path.stem for path in folder.glob("[a-z]*.py")}


def test_no_name_is_both_a_clusters_and_a_hosts():
    assert not catalog.load().keys() & CATALOGUE.keys()
    assert catalog.everything().keys() == catalog.load().keys() | CATALOGUE.keys()


def test_no_two_tunings_want_one_thing_differently():
    wanted = {}
    for name in APPLIED:
        for setting in CATALOGUE[name].settings(Host("node-1", model.facts(), model.NODE, policy=CHOSEN), CHOSEN[name].options):
            for op in setting.ops:
                key = (op["kind"], op.get("path") or op.get("name") or op.get("irq"))
                assert wanted.setdefault(key, op) == op, key


@pytest.mark.parametrize("name", APPLIED)
def test_a_drift_is_gone_after_its_ops_and_there_is_nothing_more_to_do(name):
    facts = model.facts()
    made = model.planned(name, facts)
    assert made["outcome"] == "drift" and made["hosts"]["node-1"]["ops"]
    after = model.apply(facts, made["hosts"]["node-1"]["ops"])
    assert model.judged(name, after)["state"] == "OK"
    again = model.planned(name, after)
    assert (again["outcome"], again["hosts"], again["blocked"]) == ("in_line", {}, [])


def test_all_together_end_in_line():
    chosen = {name: True for name in APPLIED}
    facts = model.facts()
    made = model.planned("irq_affinity", facts, others=chosen)
    after = model.apply(facts, made["hosts"]["node-1"]["ops"])
    assert model.planned("irq_affinity", after, others=chosen)["outcome"] == "in_line"


@pytest.mark.parametrize("machine", MODELS)
def test_recorded_machines_are_judged_and_told_why(tmp_path, machine):
    """As host_info reads them: every tuning says something of each, and what it cannot have has a way out."""
    facts = facts_of(tmp_path, machine)
    chosen = policy.parse(ALL, catalogue=CATALOGUE)
    host = Host("node-1", facts, model.NODE, policy=chosen)
    verdicts = {verdict["tuning"]: verdict["hosts"]["node-1"] for verdict in host_judge.judge([host], chosen)}
    assert {verdict["state"] for verdict in verdicts.values()} <= STATES
    for name, verdict in verdicts.items():
        assert verdict["reason"] and (verdict["way_out"] or verdict["state"] in ("OK", "DRIFT", "NOT_APPLICABLE")), name
    expected = EXPECTED.get(machine, {})
    assert {name: verdicts[name]["state"] for name in expected} == expected


EXPECTED = {
    "connectx": {"irq_affinity": "DRIFT", "cpu_performance": "DRIFT", "kernel_preemption": "DRIFT",
                 "tuned_profile": "NOT_APPLICABLE", "source_dest_check": "NOT_APPLICABLE", "jumbo_mtu": "DRIFT"},
    "ena": {"source_dest_check": "UNKNOWN"},
    "tuned": {"tuned_profile": "BLOCKED"},
    "no_preemption": {"kernel_preemption": "OK"},
    "lazy": {"kernel_preemption": "OK", "kernel_upgrade": "OK"},
    "talos": {name: "NOT_APPLICABLE" for name in ("irq_affinity", "cpu_performance", "kernel_preemption", "tuned_profile")},
    "container": {name: "NOT_APPLICABLE" for name in ("irq_affinity", "cpu_performance", "kernel_preemption", "tuned_profile")},
}


@settings(max_examples=150, deadline=None)
@given(garbage)
def test_garbage_is_unknown_and_never_an_exception(facts):
    verdicts = judged(facts)
    assert {verdict["state"] for verdict in verdicts} == {"UNKNOWN"}
    made = host_plan.plan([Host("node-1", facts)], verdicts, CHOSEN)
    assert made["hosts"] == {}


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_facts_with_garbage_in_one_place_never_raise(data):
    facts = model.facts()
    path = data.draw(st.sampled_from(list(documents.places(facts))))
    broken = documents.replaced(facts, path, data.draw(garbage))
    verdicts = judged(broken)
    made = host_plan.plan([Host("node-1", broken, model.NODE, policy=CHOSEN)], verdicts, CHOSEN)
    assert {verdict["state"] for verdict in verdicts} <= STATES
    json.dumps([verdicts, made], default=str)


@pytest.mark.parametrize("name", APPLIED)
def test_a_part_that_was_not_read_is_never_ok(name):
    """Every part of the facts that a tuning looks at, taken away one by one from a host that is in line."""
    facts = model.apply(model.facts(), model.planned(name, model.facts())["hosts"]["node-1"]["ops"])
    looked_at = {"tuned_profile": ["tuned", "files"], "kernel_preemption": ["preemption", "boot_loader"],
                 "cpu_performance": ["cpufreq", "files"], "irq_affinity": ["devices", "cpus", "irqbalance", "files"]}[name]
    for part in looked_at:
        assert model.judged(name, {**facts, part: None})["state"] == "UNKNOWN", part
