# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module

NODE = "/api/v1/nodes/node-1"


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        api.put(NODE, {"metadata": {"name": "node-1"}, "spec": {"podCIDR": "10.0.0.0/24"}})
        yield api


def drain(api, tmp_path, state, check=False, **given):
    return run_module("node_drain", check, kubeconfig=api.kubeconfig(tmp_path), node="node-1", state=state, **given)


def test_out_of_service_and_back(api, tmp_path):
    assert drain(api, tmp_path, "drained", check=True)["changed"] and not api.objects[NODE]["spec"].get("unschedulable")
    there = drain(api, tmp_path, "drained")
    assert there["changed"] and there["cordoned"] is False and api.objects[NODE]["spec"]["unschedulable"] is True
    assert drain(api, tmp_path, "drained")["cordoned"] is True
    assert drain(api, tmp_path, "uncordoned")["changed"] and not api.objects[NODE]["spec"].get("unschedulable")


def test_pods_that_nobody_would_make_anew_are_refused_in_a_sentence(api, tmp_path):
    api.put("/api/v1/namespaces/default/pods/alone", {
        "metadata": {"name": "alone", "namespace": "default"}, "spec": {"nodeName": "node-1"}, "status": {"phase": "Running"}})
    failed = drain(api, tmp_path, "drained")
    assert failed["failed"] and "nobody would make pod default/alone anew" in failed["msg"]
    assert not api.objects[NODE]["spec"].get("unschedulable")


def test_a_node_that_is_not_there_has_a_class(api, tmp_path):
    assert run_module("node_drain", kubeconfig=api.kubeconfig(tmp_path), node="node-9", state="drained")["error_class"] == "not_found"
