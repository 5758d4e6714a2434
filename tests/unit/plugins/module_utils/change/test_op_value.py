# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Garbled, Gone
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_value import Value

PREEMPT = "/sys/kernel/debug/sched/preempt"
CASES = (
    ("/proc/sys/net/ipv4/tcp_rmem", "text", "4096 131072 33554432", "4096   131072\t6291456"),
    (PREEMPT, "selected", "none", "full"),
    ("/sys/kernel/mm/transparent_hugepage/enabled", "selected", "never", "madvise"),
    ("/sys/class/net/eth0/queues/tx-1/xps_cpus", "mask", "f0", "c"),
    ("/proc/irq/24/smp_affinity_list", "cpus", "1,2", "0-3"),
)


@pytest.mark.parametrize("path, rule, wanted, present", [case for case in CASES if not case[0].startswith("/proc/irq")])
def test_a_value_is_set_read_back_and_put_back_by_its_rule(host, path, rule, wanted, present):
    op = Value({"kind": "value", "path": path, "value": wanted, "compare": rule}, host)
    former = op.read()
    already = Value({"kind": "value", "path": path, "value": present, "compare": rule}, host)
    assert already.holds(former) and not op.holds(former)
    op.apply(former)
    assert op.holds(op.read()) and not op.same(op.read(), former)
    op.restore(former)
    assert op.same(op.read(), former) and already.holds(op.read())


def test_one_word_of_those_offered_is_written_back_and_not_the_whole_line(host):
    op = Value({"kind": "value", "path": PREEMPT, "value": "lazy", "compare": "selected"}, host)
    former = op.read()
    op.apply(former)
    assert op.shown(op.read()) == "none voluntary full (lazy)"
    op.restore(former)
    assert host.text(PREEMPT) == "none voluntary (full) lazy\n"


def test_what_the_kernel_does_not_take_and_what_is_not_there_is_told(host):
    with pytest.raises(ChangeError, match="cannot be set"):
        Value({"kind": "value", "path": PREEMPT, "value": "maximal", "compare": "selected"}, host).apply({})
    with pytest.raises(Gone, match="/proc/sys/net/none cannot be read"):
        Value({"kind": "value", "path": "/proc/sys/net/none", "value": "1"}, host).read()


@pytest.mark.parametrize("rule, text", (("selected", "[a] [b]"), ("selected", "a b"), ("mask", "wide"), ("cpus", "0-x")))
def test_a_value_that_its_rule_cannot_read_is_garbled(host, rule, text):
    host.lay("/sys/class/net/eth0/thing", text)
    good = {"selected": "a", "mask": "1", "cpus": "0"}[rule]
    with pytest.raises(Garbled, match="cannot be compared by the rule " + rule):
        Value({"kind": "value", "path": "/sys/class/net/eth0/thing", "value": good, "compare": rule}, host).read()


def test_files_are_never_made(host):
    with pytest.raises(Gone):
        Value({"kind": "value", "path": "/proc/sys/net/none", "value": "1"}, host).apply({})
    assert not host.exists("/proc/sys/net/none")
