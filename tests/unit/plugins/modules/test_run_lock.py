# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        yield api


def lock(api, tmp_path, run_id, check=False, **given):
    return run_module("run_lock", check, kubeconfig=api.kubeconfig(tmp_path), run_id=run_id, **given)


def test_a_lock_through_its_life(api, tmp_path):
    first = lock(api, tmp_path, "run-a", who="alice")
    assert first["changed"] and first["lock"]["holder"] == "run-a" and first["lock"]["who"] == "alice"
    assert lock(api, tmp_path, "run-a")["renewed"]
    refused = lock(api, tmp_path, "run-b")
    assert refused["failed"] and refused["error_class"] == "conflict" and "takeover=run-a" in refused["msg"]
    assert lock(api, tmp_path, "run-b", takeover="run-a")["lock"]["holder"] == "run-b"
    assert lock(api, tmp_path, "run-b", state="released")["lock"]["holder"] is None


def test_check_mode_writes_nothing(api, tmp_path):
    assert lock(api, tmp_path, "run-a", check=True)["changed"]
    assert {request[0] for request in api.requests} == {"GET"}


def test_a_lock_that_cannot_be_read_is_not_taken(api, tmp_path):
    api.script("GET", "/leases/", Reply(403, b"{}"))
    result = lock(api, tmp_path, "run-a")
    assert result["failed"] and result["error_class"] == "denied" and "nothing is changed" in result["msg"]
