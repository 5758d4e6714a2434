# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model


def with_preemption(**changes):
    found = model.facts()
    found["preemption"].update(changes)
    return found


def test_it_is_switched_live_and_for_the_next_boot():
    made = model.planned("kernel_preemption", model.facts())
    assert made["hosts"]["node-1"]["ops"] == [
        {"kind": "value", "path": "/sys/kernel/debug/sched/preempt", "value": "none", "compare": "selected"},
        {"kind": "kernel_argument", "name": "preempt", "value": "none"}]


def test_what_the_kernel_was_built_with_needs_no_argument():
    found = with_preemption(build="none", dynamic=False, live="none", available=["none"], switch=None)
    assert model.judged("kernel_preemption", found)["state"] == "OK"


def test_a_next_boot_that_would_undo_it_is_drift():
    found = with_preemption(live="none")
    verdict = model.judged("kernel_preemption", found)
    assert verdict["state"] == "DRIFT" and "next boot" in verdict["reason"]
    found["boot_loader"]["next_command_line"] = ["preempt=none"]
    assert model.judged("kernel_preemption", found)["state"] == "OK"


def test_the_last_word_of_a_command_line_counts():
    found = with_preemption(live="none")
    found["boot_loader"]["next_command_line"] = ["preempt=none", "preempt=full"]
    assert "full" in model.judged("kernel_preemption", found)["reason"]


def test_lazy_is_taken_where_none_does_not_exist_any_more():
    found = with_preemption(build="lazy", live="full", available=["full", "lazy"])
    assert model.planned("kernel_preemption", found)["hosts"]["node-1"]["ops"][0]["value"] == "lazy"


@pytest.mark.parametrize("changes, words", [
    ({"build": "rt", "dynamic": False, "live": "rt", "available": ["rt"]}, "PREEMPT_RT"),
    ({"build": "full", "dynamic": False, "live": "full", "available": ["full"]}, "without a choice"),
    ({"available": ["full"], "live": "full"}, "offers full only"),
])
def test_kernels_that_cannot_have_it(changes, words):
    verdict = model.judged("kernel_preemption", with_preemption(**changes))
    assert verdict["state"] == "BLOCKED" and words in verdict["reason"] and verdict["way_out"]


def test_a_locked_down_kernel_is_changed_at_the_next_boot_only():
    found = model.facts()
    found["kernel"]["lockdown"] = "integrity"
    assert [op["kind"] for op in model.planned("kernel_preemption", found)["hosts"]["node-1"]["ops"]] == ["kernel_argument"]
    assert "locked down" in model.judged("kernel_preemption", found)["notes"][0]


def test_a_live_model_that_cannot_be_read_is_unknown():
    found = with_preemption(live=None, available=None, switch=None)
    found["unread"] = [{"what": "preemption/live", "class": "denied", "reason": "debugfs is closed."}]
    verdict = model.judged("kernel_preemption", found)
    assert verdict["state"] == "UNKNOWN" and "debugfs is closed" in verdict["reason"]
