# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_link import Link, Queues


def test_an_mtu_is_set_and_put_back(host):
    op = Link({"kind": "link", "device": "eth0", "mtu": 9000}, host)
    former = op.read()
    assert former == {"mtu": 1500} and not op.holds(former)
    op.apply(former)
    assert op.holds(op.read()) and host.machine()["mtu"] == {"eth0": 9000, "eth1": 1500}
    op.restore(former)
    assert op.same(op.read(), former)
    with pytest.raises(Gone):
        Link({"kind": "link", "device": "eth9", "mtu": 9000}, host).read()


def queues(host, **counts):
    return Queues(dict({"kind": "queues", "device": "eth0"}, **counts), host)


def test_queue_counts_are_set_and_put_back_with_the_steering_that_drivers_forget(host):
    op = queues(host, combined=1)
    former = op.read()
    op.apply(former)
    assert op.holds(op.read()) and host.machine()["channels"]["eth0"]["other"] == 1
    host.lay("/sys/class/net/eth0/queues/tx-1/xps_cpus", "00000000,00000000\n")
    op.restore(former)
    assert op.same(op.read(), former)
    assert host.text("/sys/class/net/eth0/queues/tx-1/xps_cpus").strip() == "00000000,0000000c"


def test_more_queues_than_there_are_and_devices_without_are_refused(host):
    with pytest.raises(Refused, match="eth0 has at most 8 combined queues, 9 are asked for"):
        queues(host, combined=9).read()
    with pytest.raises(Refused, match="at most 0 rx queues"):
        queues(host, rx=1).read()
    with pytest.raises(Gone):
        Queues({"kind": "queues", "device": "eth1", "combined": 1}, host).read()
