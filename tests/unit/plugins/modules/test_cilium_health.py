# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import FakeCilium
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.test_reach import KINDS, Daemons
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module


@pytest.fixture(name="daemons")
def fixture_daemons():
    with FakeApi() as api:
        yield Daemons(FakeCilium(api))


def ask(daemons, folder, **given):
    return run_module("cilium_health", kubeconfig=daemons.cilium.api.kubeconfig(folder), timeout=0.5, pause=0.1, **given)


def test_what_is_proved_is_returned_and_nothing_is_changed(daemons, tmp_path):
    found = ask(daemons, tmp_path)
    assert (found["rc"], found["changed"], found["proved"], found["agents"]) == (0, False, KINDS, 3)
    assert {request[0] for request in daemons.cilium.api.requests} == {"GET"}


def test_what_lacks_fails_with_one_sentence(daemons, tmp_path):
    daemons.broken = {("node-1", "node-2", "host/http"): 99}
    found = ask(daemons, tmp_path, kinds=KINDS)
    assert found["rc"] == 1 and "does not reach node node-2 by HTTP (Connection timed out)." in found["msg"]
    assert found["lacking"] == [{"agent": "node-1", "node": "node-2", "way": "host/http", "reason": "Connection timed out"}]


def test_a_kind_that_is_none_and_no_connection_are_told(daemons, tmp_path):
    assert "value of kinds must be one or more of" in ask(daemons, tmp_path, kinds=["pod/icmp"])["msg"]
    found = run_module("cilium_health", kubeconfig=str(tmp_path / "nope"))
    assert found["failed"] and found["proved"] == []
