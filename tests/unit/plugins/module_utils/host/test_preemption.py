# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import preemption
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of

SWITCH = "/sys/kernel/debug/sched/preempt"


def test_a_dynamic_kernel_shows_what_it_runs_and_could_run(tmp_path):
    assert facts_of(tmp_path, "connectx")["preemption"] == {
        "build": "voluntary", "dynamic": True, "command_line": None, "live": "voluntary",
        "available": ["none", "voluntary", "full"], "switch": SWITCH}


def test_a_kernel_that_cannot_switch_runs_what_it_was_built_with(tmp_path):
    facts = facts_of(tmp_path, "no_preemption")
    assert facts["preemption"] == {"build": "none", "dynamic": False, "command_line": None, "live": "none",
                                   "available": ["none"],
                                   "switch": None}
    assert facts["unread"] == []


def test_linux_7_has_full_and_lazy(tmp_path):
    found = facts_of(tmp_path, "lazy")["preemption"]
    assert (found["build"], found["live"], found["available"]) == ("lazy", "lazy", ["full", "lazy"])


def test_what_was_asked_for_at_boot(tmp_path):
    assert facts_of(tmp_path, "isolated")["preemption"]["command_line"] == "none"


def test_a_locked_kernel_refuses_and_is_told(tmp_path, monkeypatch):
    plain = os.open

    def refuse(path, *arguments):
        if str(path).endswith(SWITCH):
            raise PermissionError(1, "Operation not permitted")
        return plain(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    facts = facts_of(tmp_path, "locked")
    found = facts["preemption"]
    assert (found["live"], found["dynamic"], found["build"]) == (None, True, "voluntary")
    assert [(entry["what"], entry["class"]) for entry in facts["unread"]] == [("preemption/live", "denied")]
    assert "locked down" in facts["unread"][0]["reason"]


def test_without_a_configuration_nothing_is_made_up(tmp_path):
    facts = facts_of(tmp_path, "talos")
    assert facts["preemption"] == {"build": None, "dynamic": True, "command_line": None, "live": None, "available": None,
                                   "switch": None}
    assert {"preemption/build", "preemption/live"} <= {entry["what"] for entry in facts["unread"]}


@pytest.mark.parametrize("config, model", [
    ({"CONFIG_PREEMPT_NONE": "y"}, "none"), ({"CONFIG_PREEMPT_VOLUNTARY": "y"}, "voluntary"),
    ({"CONFIG_PREEMPT": "y"}, "full"),
    ({"CONFIG_PREEMPT_LAZY": "y"}, "lazy"), ({"CONFIG_PREEMPT_RT": "y", "CONFIG_PREEMPT_LAZY": "y"}, "rt"),
    ({"CONFIG_PREEMPT_NONE_BEHAVIOUR": "y"}, "none"), ({"CONFIG_HZ": "250"}, None),
])
def test_models_by_configuration(config, model):
    assert preemption.built(config, "#1 SMP PREEMPT_DYNAMIC") == (model, False)


@pytest.mark.parametrize("version, built", [
    ("#1 SMP PREEMPT_DYNAMIC Debian", (None, True)), ("#1 SMP PREEMPT_RT", ("rt", False)),
    ("#1 SMP PREEMPT 2024", ("full", False)),
    ("#1 SMP PREEMPT_LAZY", ("lazy", False)), ("#1 SMP Debian 5.10", (None, False)), (None, (None, None)),
])
def test_what_uname_tells(version, built):
    assert preemption.built(None, version) == built


@pytest.mark.parametrize("text", ["", "none voluntary", "(none) (full)", "none (turbo)", "\x00"])
def test_what_debugfs_never_shows(text):
    with pytest.raises(HostError):
        preemption.parse_choice(text)
