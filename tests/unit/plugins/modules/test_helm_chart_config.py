# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module


@pytest.mark.parametrize("changes, message", [
    ({"release_name": "--post-renderer=x"}, "not a valid release_name"), ({"name": "../secrets/x"}, "not a valid name"),
    ({"namespace": "a/b"}, "not a valid namespace"), ({"run_id": "../x"}, "not a valid run_id")])
def test_names_are_checked_before_anything_is_read(tmp_path, changes, message):
    with FakeApi() as api:
        found = run_module("helm_chart_config", kubeconfig=api.kubeconfig(tmp_path), **{
            "name": "cilium", "run_id": "r-1", "step": "1-dsr", "values": {"loadBalancer.mode": "dsr"}, **changes})
        assert found["failed"] and message in found["msg"] and api.requests == []


def test_a_chart_that_is_not_there_is_one_sentence(tmp_path):
    with FakeApi() as api:
        found = run_module("helm_chart_config", kubeconfig=api.kubeconfig(tmp_path), name="cilium", run_id="r-1", step="1-dsr",
                           values={"loadBalancer.mode": "dsr"})
        assert found["failed"] and found["rc"] == 1 and found["error_class"] == "failed"
        assert found["msg"].startswith("There is no HelmChart kube-system/cilium: ")
