# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.connection import identity, process
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node


@pytest.fixture
def table(tmp_path):
    def lay(*processes):
        for pid, name, parent in processes:
            folder = tmp_path / "proc" / str(pid)
            folder.mkdir(parents=True, exist_ok=True)
            rest = " ".join(["0"] * 17)
            (folder / "stat").write_text(f"{pid} ({name}) S {parent} {rest} {pid * 10} 0 0\n")
        return Node(str(tmp_path))
    return lay


def test_the_nearest_sshd_above_tells_connections_apart_also_below_sudo(table):
    node = table((1, "systemd", 0), (50, "sshd", 1), (60, "sshd", 50), (61, "sshd", 60), (70, "sh", 61), (71, "sudo", 70),
                 (72, "python3", 71))
    assert identity(node, 72) == "61:610"
    assert identity(table((80, "sshd-session", 50), (81, "python3", 80)), 81) == "80:800"


def test_a_local_connection_has_none_even_where_its_controller_came_over_ssh(table):
    node = table((1, "systemd", 0), (60, "sshd", 1), (70, "bash", 60), (80, "ansible-playboo", 70), (81, "sh", 80))
    assert identity(node, 81) is None
    assert identity(table((90, "runner", 1), (91, "sh", 90)), 91) is None


def test_names_may_hold_anything_and_processes_may_be_gone(table):
    node = table((70, "a) b (sshd", 0))
    assert process(node, 70)[:2] == ("a) b (sshd", 0) and process(node, 71) == ("", 0, "")
    assert identity(node, 70) is None and identity(node, 71) is None


def test_a_circle_of_processes_ends(table):
    assert identity(table((70, "a", 71), (71, "b", 70)), 70) is None
