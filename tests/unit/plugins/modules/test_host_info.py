# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.tests.fixtures.hosts.models import BOOT_ID, MODELS
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module

MODULE_UTILS = Path(__file__).parents[4].joinpath("plugins/module_utils")


@pytest.mark.parametrize("check", [False, True])
def test_this_machine_is_read_and_nothing_changes(check):
    result = run_module("host_info", check)
    assert result["rc"] == 0 and result["changed"] is False
    assert result["facts"]["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_recorded_tree(tmp_path):
    facts = run_module("host_info", root=MODELS["tuned"](tmp_path))["facts"]
    assert facts["boot_id"] == BOOT_ID and facts["tuned"]["recommended"] == "throughput-performance"
    assert run_module("host_info", root=str(tmp_path), ask_tuned=False)["facts"]["tuned"]["recommended"] is None


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    result = run_module("host_info", root=str(tmp_path / "nosuch"))
    assert result["failed"] and "nosuch" in result["msg"] and "recorded tree" in result["msg"]


def test_no_secret_of_the_command_line_is_returned(tmp_path):
    assert not re.search("hunter2|abc123", json.dumps(run_module("host_info", root=MODELS["isolated"](tmp_path))))


def test_the_readers_need_the_standard_library_alone():
    """A host may have nothing else; Ansible ships what of the collection is imported."""
    imported = set()
    for path in (MODULE_UTILS / "host").glob("*.py"):
        imported |= set(re.findall(r"^(?:from|import) (\S+)", path.read_text(), re.MULTILINE))
    ours = {name for name in imported if name.startswith("ansible_collections.")}
    assert not {name for name in ours if not re.search(r"module_utils\.(host(\.\w+)?|text|redaction)$", name)}
    assert imported - ours <= {"__future__", "concurrent.futures", "ctypes", "datetime", "errno", "fcntl", "json", "os",
                               "re", "socket",
                               "stat", "struct", "subprocess", "typing", "zlib"}
    assert os.path.exists(MODULE_UTILS / "host/facts.py")
