# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.gauge import gauge


def document(lost=0, ended="stopped", skipped=0, hung=0, tried=100, gap=0.0):
    new = {"tried": tried, "ok": tried - lost, "timeout": lost, "longest_gap": gap}
    return {"schema": 1, "seconds": 12.5, "open": 5, "skipped": skipped, "own": 0, "ended": ended, "nodes": {
        "node-1": {"new": new, "established": {"answers": 9, "hung": hung, "longest_gap": gap}},
        "node-2": {"new": {"tried": 100, "ok": 100}, "established": {}}}}


def test_nothing_lost():
    found = gauge([document(), document()])
    assert found["passed"] is True and (found["tried"], found["lost"], found["open"]) == (400, 0, 10)


def test_one_lost_connection_is_one_too_many_unless_allowed():
    found = gauge([document(), document(lost=1, gap=3.0, hung=2)])
    assert found["passed"] is False and found["broken"] == 2 and found["nodes"]["node-1"]["gap"] == 3.0
    assert "1 of 400" in found["reason"] and "node-1;" in found["reason"] and "2 established" in found["reason"]
    assert gauge([document(lost=1)], allowed=1)["passed"] is True


@pytest.mark.parametrize(("documents", "why"), [
    ([], "nothing was measured"), ([document(ended="its time was over")], "ended early"), ([document(skipped=50)], "too slow"),
    ([None, {"nodes": 3}, {"nodes": {"a": 5}}], "nothing was measured")])
def test_what_was_not_measured_is_not_known(documents, why):
    found = gauge(documents)
    assert found["passed"] is None and why in found["reason"]


def test_broken_ones_alone_are_told_and_no_failure():
    found = gauge([document(hung=4)])
    assert found["passed"] is True and "4 established ones were broken" in found["reason"]
