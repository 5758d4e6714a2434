# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module

PATH = "/apis/cilium.io/v2/namespaces/kube-system/ciliumnodeconfigs/fastpath-bbr"
CONFIG = {"name": "fastpath-bbr", "node_selector": {"matchLabels": {"a": "b"}}, "defaults": {"enable-bbr": "false"}}


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        api.apis["/apis/cilium.io/v2"] = {}
        yield api


def run(api, tmp_path, *configs, check=False):
    return run_module("cilium_node_config", check, kubeconfig=api.kubeconfig(tmp_path), configs=list(configs))


def test_check_mode_then_for_real_then_again_then_back(api, tmp_path):
    assert run(api, tmp_path, CONFIG, check=True)["changed"] and PATH not in api.objects
    done = run(api, tmp_path, CONFIG)
    assert done["changed"] and api.objects[PATH]["spec"]["defaults"] == {"enable-bbr": "false"}
    assert run(api, tmp_path, CONFIG)["changed"] is False
    former = [dict(one, state="former") for one in done["former"]]
    assert run(api, tmp_path, *former)["changed"] and PATH not in api.objects


def test_one_sentence_where_it_cannot_be(api, tmp_path):
    api.put(PATH, {"metadata": {"labels": {}}, "spec": {}})
    result = run(api, tmp_path, CONFIG)
    assert result["failed"] and result["error_class"] == "conflict" and "somebody else's" in result["msg"]
    assert "node_selector" in run(api, tmp_path, {"name": "fastpath-bbr"})["msg"]
