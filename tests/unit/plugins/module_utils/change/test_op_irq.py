# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import shutil

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Garbled, Gone
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_irq import IrqAffinity


def irq(host, number=24, cpus=(1,), **more):
    return IrqAffinity(dict({"kind": "irq_affinity", "irq": number, "cpus": list(cpus)}, **more), host)


def test_cpus_are_set_and_put_back_also_beyond_the_first_32(host):
    for number, cpus in ((24, [33, 2]), (25, [0])):
        op = irq(host, number, cpus)
        former = op.read()
        op.apply(former)
        assert op.holds(op.read()) and op.shown(op.read()) == sorted(cpus)
        op.restore(former)
        assert op.same(op.read(), former)
    assert host.text("/proc/irq/25/smp_affinity") == "00000001,00000000\n"


def test_an_interrupt_that_changed_hands_is_left_alone(host):
    assert irq(host, name="eth0-rx-0").read()["name"] == "eth0-rx-0"
    with pytest.raises(Gone, match="Interrupt 24 is eth0-rx-0 now and not mlx5_comp3"):
        irq(host, name="mlx5_comp3").read()
    former = irq(host).read()
    shutil.move(host.at("/proc/irq/24/eth0-rx-0"), host.at("/proc/irq/24/nvme0q1"))
    with pytest.raises(Gone, match="belongs to nvme0q1 now"):
        irq(host).restore(former)


def test_interrupts_that_are_not_there_or_not_to_be_set_are_told(host, monkeypatch):
    with pytest.raises(Gone, match="/proc/irq/99/smp_affinity_list cannot be read"):
        irq(host, 99).read()

    def refuse(name, text):
        raise ChangeError(f"{name} cannot be set to {text!r}: Input/output error.")

    monkeypatch.setattr(host, "put", refuse)
    with pytest.raises(ChangeError, match="Input/output error. Interrupts that the kernel itself spreads"):
        irq(host).apply({})
    host.lay("/proc/irq/24/smp_affinity_list", "all of them\n")
    with pytest.raises(Garbled, match="no list of CPUs"):
        irq(host).read()
