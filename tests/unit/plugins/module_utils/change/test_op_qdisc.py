# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Garbled, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Answer
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_qdisc import Qdisc, written
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

DEFAULT = "/proc/sys/net/core/default_qdisc"


def qdisc(host, device="eth0", discipline="fq"):
    return Qdisc({"kind": "qdisc", "device": device, "discipline": discipline}, host)


@pytest.mark.parametrize("device", ("eth0", "eth1"))
def test_the_kernels_own_choice_is_replaced_and_comes_back(host, device):
    before = snapshot(host)
    op = qdisc(host, device)
    former = op.read()
    assert not op.holds(former) and op.shown(former) == "pfifo_fast"
    op.apply(former)
    assert op.holds(op.read()) and op.shown(op.read()) == "fq"
    op.restore(former)
    assert op.same(op.read(), former) and not differences(snapshot(host), before)


def test_a_device_with_several_queues_has_one_for_each(host):
    op = qdisc(host)
    op.apply(op.read())
    found = op.read()["disciplines"]
    assert [(one["kind"], one["parent"]) for one in found] == [("mq", ""), ("fq", "1:1"), ("fq", "1:2")]


@pytest.mark.parametrize("device", ("eth0", "eth1"))
def test_where_the_default_is_another_one_by_now_the_former_is_put_there_by_name(host, device):
    op = qdisc(host, device)
    former = op.read()
    op.apply(former)
    host.put(DEFAULT, "fq_codel")
    op.restore(former)
    assert op.near(op.read(), former) and not op.same(op.read(), former)
    assert host.text(DEFAULT) == "fq_codel\n"


def test_one_that_was_put_there_by_name_comes_back_with_handle_and_options(host):
    host.change(["tc", "qdisc", "replace", "dev", "eth1", "root", "handle", "8007:", "pfifo"])
    op = qdisc(host, "eth1")
    former = op.read()
    op.apply(former)
    op.restore(former)
    assert op.read() == former
    assert host.machine()["log"][-2] == "tc qdisc replace dev eth1 root handle 8007: pfifo limit 1000"


def test_what_somebody_configured_with_classes_is_left_alone(host, monkeypatch):
    answer = [{"kind": "htb", "handle": "1:", "root": True, "options": {"r2q": 10}}]
    monkeypatch.setattr(host, "run", lambda argv, timeout, env: Answer(0, json.dumps(answer), ""))
    op = qdisc(host)
    with pytest.raises(Refused, match="eth0 has the queueing discipline htb, which somebody configured"):
        op.apply(op.read())


def test_no_queue_is_put_on_the_device_itself_however_many_queues_it_shows(host):
    op = qdisc(host, "eth0", "noqueue")
    op.apply(op.read())
    assert [(one["kind"], one["root"]) for one in op.read()["disciplines"]] == [("noqueue", True)] and op.holds(op.read())


def test_options_are_written_as_tc_takes_them():
    one = {"kind": "fq_codel", "options": {"limit": 10240, "target": 4999, "ecn": False, "memory_limit": 33554432, "unknown": 1}}
    assert written(one) == ["fq_codel", "limit", "10240", "target", "4999us", "memory_limit", "33554432", "noecn"]


def test_devices_that_are_not_there_and_answers_that_are_none(host, monkeypatch):
    with pytest.raises(Gone, match="no device eth9 on this node"):
        qdisc(host, "eth9").read()
    monkeypatch.setattr(host, "run", lambda argv, timeout, env: Answer(0, "qdisc noqueue", ""))
    with pytest.raises(Garbled, match="is no JSON"):
        qdisc(host).read()
