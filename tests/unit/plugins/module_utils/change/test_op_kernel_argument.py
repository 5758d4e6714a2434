# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_kernel_argument import KernelArgument
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot


def argument(host, **fields):
    return KernelArgument(dict({"kind": "kernel_argument", "name": "preempt", "value": "none"}, **fields), host)


def started_with(host):
    return [line.split(" ro ")[1] for line in host.text("/boot/grub/grub.cfg").splitlines() if "\tlinux" in line]


def test_debians_grub_starts_every_kernel_with_it_but_not_the_recovery(host):
    before = snapshot(host)
    op = argument(host)
    former = op.read()
    assert not op.holds(former) and op.shown(former) == ["preempt absent"]
    op.apply(former)
    assert op.holds(op.read()) and op.shown(op.read()) == ["preempt=none"]
    assert started_with(host) == ["console=ttyS0 quiet preempt=none", "single console=ttyS0"] * 2
    op.restore(former)
    assert not differences(snapshot(host), before)


def test_it_wins_over_the_sites_own_because_it_stands_last(host):
    host.lay("/etc/default/grub.d/50-site.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT preempt=full mitigations=auto"\n')
    host.change(["update-grub"])
    op = argument(host)
    former = op.read()
    assert op.shown(former) == ["preempt=full"]
    op.apply(former)
    assert started_with(host)[0].endswith("preempt=full mitigations=auto preempt=none") and op.holds(op.read())
    op.restore(former)
    assert op.shown(op.read()) == ["preempt=full"]


def test_a_menu_made_anew_by_a_new_kernel_is_no_conflict(host):
    op = argument(host)
    former = op.read()
    op.apply(former)
    ours = op.read()
    newer = "menuentry 'newer' {\n\tlinux /boot/vmlinuz-7 ro quiet preempt=none\n}\n"
    host.lay("/boot/grub/grub.cfg", host.text("/boot/grub/grub.cfg") + newer)
    assert not op.edited(op.read(), ours)


def test_an_argument_without_a_value(host):
    op = argument(host, name="nosmt", value=None)
    former = op.read()
    op.apply(former)
    assert started_with(host)[0].endswith(" nosmt") and op.holds(op.read())
    op.restore(former)
    assert "nosmt" not in host.text("/boot/grub/grub.cfg")


@pytest.fixture
def red_hat(host):
    os.unlink(host.at("/usr/sbin/update-grub"))
    host.lay("/usr/sbin/grubby", "")
    host.save(dict(host.machine(), kernels={"/boot/vmlinuz-5.14.0-1": ["ro", "quiet", "preempt=full"], "/boot/vmlinuz-5.14.0-2": ["ro"]}))
    return host


def test_red_hats_kernels_get_it_by_grubby_and_each_its_own_back(red_hat):
    before = snapshot(red_hat)
    op = argument(red_hat)
    former = op.read()
    assert op.shown(former) == ["preempt absent", "preempt=full"]
    op.apply(former)
    assert op.holds(op.read())
    op.restore(former)
    assert not differences(snapshot(red_hat), before)


def test_a_kernel_that_came_since_loses_it_too(red_hat):
    op = argument(red_hat)
    former = op.read()
    op.apply(former)
    machine = red_hat.machine()
    machine["kernels"]["/boot/vmlinuz-5.14.0-3"] = ["ro", "preempt=none"]
    red_hat.save(machine)
    op.restore(former)
    assert red_hat.machine()["kernels"]["/boot/vmlinuz-5.14.0-3"] == ["ro"]


def test_other_boot_loaders_are_refused_with_what_to_do(host):
    os.unlink(host.at("/usr/sbin/update-grub"))
    with pytest.raises(Refused, match="put preempt=none on the kernel's command line by its own means"):
        argument(host).read()
