# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import cpu
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import root_of


def test_a_small_server(tmp_path):
    found = cpu.read(root_of(tmp_path, "connectx"), Unread())
    assert found == {
        "count": 4, "online": [0, 1, 2, 3], "offline": [], "possible": [0, 1, 2, 3], "isolated": [], "nohz_full": [],
        "cpuset_isolated": None, "numa": {"0": [0, 1, 2, 3]}, "siblings": [[0, 2], [1, 3]], "smt": True, "smt_control": "on",
        "model": "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz"}


def test_two_numa_nodes(tmp_path):
    assert cpu.read(root_of(tmp_path, "two_nodes"), Unread())["numa"] == {"0": [0, 1, 4, 5], "1": [2, 3, 6, 7]}


def test_many_cpus(tmp_path):
    found = cpu.read(root_of(tmp_path, "many_cpus"), Unread())
    assert found["count"] == 128 and len(found["siblings"]) == 64 and found["siblings"][63] == [63, 127]
    assert found["numa"]["1"] == [*range(32, 64), *range(96, 128)]


def test_cpus_that_are_set_apart(tmp_path):
    root = root_of(tmp_path, "isolated")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpuset.cpus.isolated").write_text("5\n")
    found = cpu.read(root, Unread())
    assert (found["isolated"], found["nohz_full"], found["cpuset_isolated"]) == ([2, 3, 6, 7], [2, 3], [5])


def test_garbage_is_told_and_the_rest_is_read(tmp_path):
    root, unread = root_of(tmp_path, "connectx"), Unread()
    (tmp_path / "sys/devices/system/cpu/isolated").write_text("many\n")
    assert cpu.read(root, unread)["online"] == [0, 1, 2, 3]
    assert [(entry["what"], entry["class"]) for entry in unread.entries] == [("cpus/isolated", "garbled")]
    with pytest.raises(HostError, match="many"):
        cpu.cpus(root, cpu.CPUS + "/isolated")


def test_a_kernel_without_numa_or_smt(tmp_path):
    found = cpu.read(Root(str(tmp_path)), Unread())
    assert found["numa"] is found["smt"] is found["model"] is found["count"] is found["online"] is None
    assert found["siblings"] == []
