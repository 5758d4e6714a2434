# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

PATH, KEY = "bpfClockProbe", "enable-bpf-clock-probe"


@pytest.mark.parametrize("version, values, key, state", [
    ("1.13.4", {}, "true", "OK"), ("1.13.4", {PATH: True}, "true", "OK"), ("1.13.4", {PATH: False}, "false", "DRIFT"),
    ("1.13.4", {PATH: False}, "true", "DRIFT"), ("1.13.5", {}, "false", "DRIFT"), ("1.13.5", {}, "true", "DRIFT"),
    ("1.13.5", {PATH: True}, "true", "OK"), ("1.13.4", {"bpf.clockProbe": True}, "false", "DRIFT"),
])
def test_the_default_is_on_up_to_1_13_4_and_off_later(version, values, key, state):
    found = one.verdict("clock_probe", one.cluster("1.13.4-snat-native", values, {KEY: key}, version=version))
    assert found["state"] == state
    assert found["way_out"] is None if state == "OK" else "drain the node" in found["way_out"]


def test_it_is_never_planned():
    facts, chosen = one.cluster("1.16.19-snat-native", config={KEY: "false"}), policy.parse({"clock_probe": True})
    made = plan.plan(facts, judge.judge(facts, chosen), chosen, ["clock_probe"])
    assert (made["outcome"], made["steps"]) == ("blocked", [])


def test_the_value_that_nothing_reads_and_a_bug_are_noted():
    facts = one.cluster("1.17.18-snat-native", {"bpf.clockProbe": True}, {KEY: "false"})
    notes = " ".join(one.verdict("clock_probe", facts)["notes"])
    assert "no chart reads" in notes and "41862" not in notes
    facts["agents"][0]["version"], facts["agents"][1]["version"] = "1.17.7", "1.17.8"
    facts["release"]["values"]["bpf"].pop("clockProbe")
    notes = " ".join(one.verdict("clock_probe", facts)["notes"])
    assert "1.17.8 (node-2)" in notes and "41862" in notes and "no chart reads" not in notes


def test_max_tells_how():
    assert [name for name in policy.PROFILES if "clock_probe" in policy.parse(profile=name)] == ["max"]
