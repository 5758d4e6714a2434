# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import FakeCilium
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        yield api


@pytest.fixture(name="cilium")
def fixture_cilium(api):
    return FakeCilium(api)


def roll(api, tmp_path, check=False, **changes):
    given = dict(kubeconfig=api.kubeconfig(tmp_path), nodes=["node-2", "node-1"], settle=0.1, timeout=5,
                 expect={"nodeport_mode": "dsr"}, expect_config={"bpf-lb-mode": "dsr"})
    return run_module("cilium_rollout", check, **dict(given, **changes))


def test_check_mode_then_for_real_then_again(api, cilium, tmp_path):
    cilium.configure({"bpf-lb-mode": "dsr"})
    planned = roll(api, tmp_path, check=True)
    assert planned["changed"] and planned["restart"] == ["node-2", "node-1"]
    assert "DELETE" not in {request[0] for request in api.requests}
    done = roll(api, tmp_path)
    assert done["changed"] and {node["state"] for node in done["nodes"].values()} == {"restarted_verified"}
    again = roll(api, tmp_path)
    assert again["changed"] is False and {node["state"] for node in again["nodes"].values()} == {"skipped"}


def test_a_failure_tells_every_nodes_state(api, cilium, tmp_path):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.broken["node-2"] = 'level=fatal msg="boom"'
    result = roll(api, tmp_path)
    assert result["failed"] and result["changed"] and result["rc"] == 1 and "boom" in result["msg"]
    assert {name: node["state"] for name, node in result["nodes"].items()} == {
        "node-2": "failed", "node-1": "untouched"}


def test_no_connection_is_one_sentence(api, tmp_path):
    result = roll(api, tmp_path, kubeconfig=str(tmp_path / "nope"))
    assert result["failed"] and result["error_class"] == "failed" and result["nodes"] == {}


def test_an_expectation_nothing_meets_names_both_values(api, cilium, tmp_path):
    result = roll(api, tmp_path)
    assert result["failed"] and "bpf-lb-mode is snat, wanted dsr" in result["msg"]
