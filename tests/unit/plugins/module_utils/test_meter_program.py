# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Its counting, without a clock; test_meter.py runs the program itself."""
from __future__ import annotations

import errno
import os

from ansible_collections.fastpath.cilium.plugins.module_utils import meter_program
from ansible_collections.fastpath.cilium.plugins.module_utils.meter_program import LOST, Meter, Tally, born

TARGET = {"node": "n", "backend": "b", "address": "127.0.0.1", "port": 9, "hostname": "x"}
CONFIG = {"targets": [TARGET], "rate": 100.0, "held": 0, "beat": 1.0, "timeout": 1.0, "duration": 9.0, "ttl": 9.0}


def test_a_gap_lies_between_two_answers_with_a_loss_in_it():
    tally = Tally(LOST, 0.0)
    for now in (1.0, 9.0):
        tally.answered(now, 0.1)
    assert tally.longest_gap(20.0) == 0.0
    tally.lost("timeout")
    assert tally.longest_gap(12.0) == 3.0
    tally.answered(13.5, 0.2)
    assert tally.longest_gap(99.0) == 4.5 and tally.counts["timeout"] == 1 and tally.worst == 0.2


def test_a_late_process_leaves_out_what_it_could_not_open(tmp_path, monkeypatch):
    found = Meter(CONFIG, str(tmp_path))
    opened = []
    monkeypatch.setattr(found, "open", lambda *_args: opened.append(1))
    found.open_due(found.due + 5.0)
    assert found.skipped >= 499 and len(opened) <= 2


def test_limits_of_this_machine_are_no_loss(tmp_path, monkeypatch):
    found = Meter(CONFIG, str(tmp_path))
    monkeypatch.setattr(meter_program.Link, "connect", lambda _link: errno.EADDRNOTAVAIL)
    found.open(TARGET, "new", 0.0)
    assert found.own == 1 and found.document()["nodes"]["n"]["new"]["tried"] == 0
    monkeypatch.setattr(meter_program.Link, "connect", lambda _link: errno.ENETUNREACH)
    found.open(TARGET, "new", 0.0)
    assert found.document()["nodes"]["n"]["new"]["unreachable"] == 1 and found.events[0]["what"] == "unreachable"


def test_when_a_process_was_born():
    assert born(os.getpid()) == born(os.getpid()) and born(2 ** 22 + 1) is None
