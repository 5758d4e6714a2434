# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_kube_proxy import FakeKubeProxy
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module

LINUX, KEPT_OFF = {"kubernetes.io/os": "linux"}, {"fastpath.cilium/kube-proxy": "kept-off"}


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        yield api


@pytest.fixture(name="kube_proxy")
def fixture_kube_proxy(api):
    return FakeKubeProxy(api)


def switch(api, tmp_path, state, check=False, **given):
    return run_module("kube_proxy", check, kubeconfig=api.kubeconfig(tmp_path), state=state, **given)


def test_off_and_back(api, kube_proxy, tmp_path):
    off = switch(api, tmp_path, "kept_off", _ansible_diff=True)
    assert off["changed"] and off["former"] == LINUX
    assert kube_proxy.selector == {**LINUX, **KEPT_OFF} and not kube_proxy.pods()
    assert "kept-off" in off["diff"]["after"] and "kept-off" not in off["diff"]["before"]
    back = switch(api, tmp_path, "restored", former=off["former"])
    assert back["changed"] and kube_proxy.selector == LINUX and len(kube_proxy.pods()) == 3


def test_check_mode_tells_and_changes_nothing(api, kube_proxy, tmp_path):
    assert switch(api, tmp_path, "kept_off", check=True)["changed"] and kube_proxy.selector == LINUX
    assert switch(api, tmp_path, "restored", check=True)["changed"] is False


def test_a_conflict_is_one_sentence(api, kube_proxy, tmp_path):
    found = switch(api, tmp_path, "kept_off", former={"pool": "old"})
    assert found["failed"] and found["error_class"] == "conflict" and "pool=old was expected" in found["msg"]


def test_another_daemonset(api, kube_proxy, tmp_path):
    found = switch(api, tmp_path, "kept_off", namespace="other")
    assert found["failed"] and found["error_class"] == "not_found" and "other/kube-proxy" in found["msg"]
