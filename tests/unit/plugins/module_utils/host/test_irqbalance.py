# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import irqbalance
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Unread
from ansible_collections.fastpath.cilium.plugins.module_utils.host.units import Unit
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of, root_of


def test_a_host_with_irqbalance(tmp_path):
    assert facts_of(tmp_path, "tuned")["irqbalance"] == {
        "installed": True, "active": False, "enabled": False, "config": "/etc/sysconfig/irqbalance",
        "arguments": ["--policyscript=/x", "--banirq=61", "-i", "62", "--banirq", "63"], "banned_irqs": [61, 62, 63],
        "banned_cpus": [6, 7]}


def test_a_host_without_it(tmp_path):
    found = facts_of(tmp_path, "connectx")["irqbalance"]
    assert found.pop("installed") is False and set(found.values()) == {None}


@pytest.mark.parametrize("words, irqs", [("-i5 --debug", [5]), ("--banirq=7 --banirq=7", [7]), ("--oneshot", []),
                                         ("-t 10 -ix", [])])
def test_banned_interrupts(words, irqs):
    assert irqbalance.banned_irqs(words.split()) == irqs


@pytest.mark.parametrize("words", ["--banirq=x", "-i", "--banirq"])
def test_a_ban_that_is_none_is_garbled(words):
    with pytest.raises(HostError):
        irqbalance.banned_irqs(words.split())


def test_cpus_by_list_win_over_the_mask():
    assert irqbalance.banned_cpus({"IRQBALANCE_BANNED_CPULIST": "2-3", "IRQBALANCE_BANNED_CPUS": "1"}) == [2, 3]
    assert irqbalance.banned_cpus({}) == []


def test_a_garbled_ban_is_told(tmp_path):
    root, unread = root_of(tmp_path, "tuned"), Unread()
    (tmp_path / "etc/sysconfig/irqbalance").write_text("IRQBALANCE_BANNED_CPUS=all\nIRQBALANCE_ARGS=--banirq=9\n")
    found = irqbalance.read(root, unread, Unit(None, None))
    assert (found["banned_cpus"], found["banned_irqs"], found["active"]) == (None, [9], None)
    assert [entry["what"] for entry in unread.entries] == ["irqbalance/banned_cpus"]


def test_without_a_file_nothing_is_banned(tmp_path):
    root = root_of(tmp_path, "tuned")
    (tmp_path / "etc/sysconfig/irqbalance").unlink()
    found = irqbalance.read(root, Unread(), Unit(True, True))
    assert (found["config"], found["banned_irqs"], found["banned_cpus"]) == (None, [], [])
