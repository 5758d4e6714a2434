# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""host_revert on a real kernel: what others did stays, the rest goes back."""
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.namespace import Namespace, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
VALUE = "/proc/sys/net/ipv4/conf/v0/rp_filter"
OPS = [{"kind": "value", "path": VALUE, "value": "2"},
       {"kind": "file", "path": "/etc/sysctl.d/10-site.conf", "content": "ours\n"},
       {"kind": "qdisc", "device": "v0", "discipline": "pfifo"}]


@pytest.fixture
def machine():
    found = Namespace()
    yield found
    found.end()


def test_what_somebody_else_changed_stays_and_is_told_and_all_else_goes_back(machine):
    before = machine.snapshot()
    machine.module("host_apply", run_id="run-1", ops=OPS)
    machine.run("sh", "-c", "echo theirs > /etc/sysctl.d/10-site.conf")
    told = machine.module("host_revert", check=True, run_id="run-1")
    assert {one["key"]: one["outcome"] for one in told["ops"]} == {
        "value " + VALUE: "restored", "file /etc/sysctl.d/10-site.conf": "kept", "qdisc v0": "restored"}
    back = machine.module("host_revert", run_id="run-1")
    assert back["journal"] == "kept" and [one["outcome"] for one in back["ops"]] == ["restored", "kept", "restored"]
    assert machine.run("cat", "/etc/sysctl.d/10-site.conf") == "theirs\n" and machine.run("cat", VALUE) == "0\n"
    again = machine.module("host_revert", run_id="run-1", journal="remove")
    assert [one["outcome"] for one in again["ops"]] == ["kept"] and again["journal"] == "removed"
    after = machine.snapshot()
    assert {name for name in {**before, **after} if before.get(name) != after.get(name)} == {"/etc/sysctl.d/10-site.conf"}


def test_a_device_that_went_away_is_told_and_keeps_nothing_else(machine):
    machine.module("host_apply", run_id="run-1", ops=OPS)
    machine.run("ip", "link", "del", "v0")
    back = machine.module("host_revert", run_id="run-1")
    assert {one["key"]: one["outcome"] for one in back["ops"]} == {
        "value " + VALUE: "gone", "file /etc/sysctl.d/10-site.conf": "restored", "qdisc v0": "gone"}
    assert back["journal"] == "removed" and not machine.module("host_revert", run_id="run-1")["changed"]


def test_another_run_is_refused_and_taken_over_by_its_id(machine):
    machine.module("host_apply", run_id="run-1", ops=OPS)
    refused = machine.module("host_apply", run_id="run-2", ops=[dict(OPS[0], value="1")])
    assert refused["error_class"] == "conflict" and refused["holder"] == "run-1"
    taken = machine.module("host_apply", run_id="run-2", takeover="run-1", ops=[dict(OPS[0], value="1")])
    assert taken["changed"]
    machine.module("host_revert", run_id="run-2")
    assert machine.run("cat", VALUE) == "2\n"
    assert machine.module("host_revert", run_id="run-1")["journal"] == "removed" and machine.run("cat", VALUE) == "0\n"


def test_a_run_id_that_is_none_is_refused():
    failed = run_module("host_revert", run_id="../../etc")
    assert failed["failed"] and "is no run id" in failed["msg"]
