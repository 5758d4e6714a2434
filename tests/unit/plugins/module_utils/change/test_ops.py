# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import random

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.ops import KINDS, parse, parse_all

GOOD = [
    {"kind": "file", "path": "/etc/x", "content": ""}, {"kind": "value", "path": "/proc/sys/net/a", "value": "1"},
    {"kind": "unit", "name": "a.service", "active": False}, {"kind": "tuned_profile", "profile": "a b"},
    {"kind": "kernel_argument", "name": "preempt", "value": "none"}, {"kind": "irq_affinity", "irq": 1, "cpus": [0]},
    {"kind": "link", "device": "eth0", "mtu": 9000}, {"kind": "queues", "device": "eth0", "combined": 1},
    {"kind": "qdisc", "device": "eth0", "discipline": "fq"}, {"kind": "routes", "device": "eth0", "mtu": 1500, "free": ["192.0.2.1"]},
]


def test_every_kind_is_parsed_and_only_link_and_queues_cut_off_by_themselves():
    found = parse_all(GOOD, Node())
    assert {op.kind for op in found} == set(KINDS)
    assert [op.kind for op in found if op.cuts_off] == ["link", "queues"]
    assert parse(dict(GOOD[1], cuts_off=True), Node()).cuts_off
    assert len({op.key for op in found}) == len(found)


@pytest.mark.parametrize("spec, words", (
    ({"kind": "fil"}, "its kind is not known; there are file, irq_affinity"),
    (None, "its kind is not known"),
    ({"kind": "file", "path": "/etc/x"}, "content is missing"),
    ({"kind": "file", "content": "x"}, "path is missing"),
    ({"kind": "file", "path": "/proc/x", "content": ""}, "not a place for files of settings"),
    ({"kind": "file", "path": "/var/lib/fastpath-cilium/x", "content": ""}, "not a place for files of settings"),
    ({"kind": "file", "path": "/etc/x", "content": "", "mode": "rw"}, "three octal digits"),
    ({"kind": "file", "path": "/etc/x", "content": "", "mode": 420}, "text is wanted"),
    ({"kind": "file", "path": "/etc/x", "contents": ""}, "contents is no field of file; there are"),
    ({"kind": "value", "path": "/etc/x", "value": "1"}, "must be below /proc/sys or /sys"),
    ({"kind": "value", "path": "/proc/sys/../../etc/x", "value": "1"}, "no plain absolute path"),
    ({"kind": "value", "path": "/sys/x", "value": "1\n2"}, "must be one line"),
    ({"kind": "value", "path": "/sys/x", "value": "wide", "compare": "mask"}, "cannot be compared by the rule mask"),
    ({"kind": "unit", "name": "a", "active": True}, "no full name of a systemd unit"),
    ({"kind": "unit", "name": "-a.service --now", "active": True}, "no full name of a systemd unit"),
    ({"kind": "unit", "name": "a.service"}, "needs enabled or active"),
    ({"kind": "unit", "name": "a.service", "enabled": "static"}, "one of enabled, disabled, masked is wanted"),
    ({"kind": "tuned_profile", "profile": "--help"}, "no name of a tuned profile"),
    ({"kind": "kernel_argument", "name": "a b"}, "no argument of the kernel"),
    ({"kind": "kernel_argument", "name": "a", "value": '"; reboot'}, "no argument of the kernel"),
    ({"kind": "irq_affinity", "irq": 1, "cpus": []}, "at least one CPU"),
    ({"kind": "irq_affinity", "irq": True, "cpus": [1]}, "a whole number is wanted"),
    ({"kind": "irq_affinity", "irq": 1, "cpus": ["1"]}, "a list of whole numbers is wanted"),
    ({"kind": "link", "device": "eth0", "mtu": 1279}, "from 1280 to 65535"),
    ({"kind": "queues", "device": "eth0"}, "needs rx, tx or combined"),
    ({"kind": "qdisc", "device": "eth0", "discipline": "htb"}, "one of fq, fq_codel"),
))
def test_what_cannot_be_an_op_is_refused_with_its_place_in_the_list(spec, words):
    with pytest.raises(ChangeError) as caught:
        parse_all([GOOD[0], spec], Node())
    assert words in caught.value.message and caught.value.message.startswith("ops[1]: ")


def test_two_ops_about_one_thing_are_refused():
    with pytest.raises(Refused, match=r"ops\[1\]: link eth0 is there twice"):
        parse_all([GOOD[6], dict(GOOD[6], mtu=1500)], Node())


def test_garbage_is_refused_and_never_raises_anything_else():
    dice = random.Random(7)
    junk = [None, True, -1, 1 << 70, 1.5, "", "a\0b", "x" * 400, [], ["a"], {}, {"a": 1}, "/etc/x", "../x"]
    for _time in range(3000):
        spec = dict(dice.choice(GOOD))
        for _more in range(dice.randint(1, 3)):
            spec[dice.choice([*spec, "persist", "mode", "owner", "compare", "enabled", "rx", "state"])] = dice.choice(junk)
        try:
            parse(spec, Node())
        except ChangeError:
            pass
