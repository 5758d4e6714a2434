# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.host import cpuidle
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of


def test_states_and_no_limits(tmp_path):
    found = facts_of(tmp_path, "connectx")["cpuidle"]
    assert (found["driver"], found["governor"], found["disabled"]) == ("intel_idle", "menu", {})
    assert found["states"][3] == {"name": "C6", "latency_us": 170, "disabled": False} and len(found["states"]) == 4
    assert found["limits"] == {"latency_us": None, "resume_latency_us": {}, "command_line": {}}


def test_everything_that_keeps_cpus_awake(tmp_path):
    found = facts_of(tmp_path, "isolated")["cpuidle"]
    assert found["disabled"] == {"C6": [2, 3]}
    assert found["limits"] == {"latency_us": 20, "resume_latency_us": {"n/a": [2, 3]}, "command_line": {
        "idle": "poll", "intel_idle.max_cstate": "1", "processor.max_cstate": "1"}}


def test_without_idle_states(tmp_path):
    unread = Unread()
    found = cpuidle.read(Root(str(tmp_path)), unread, None, None)
    assert found["states"] == [] and found["driver"] is None and unread.entries == []
