# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_probe import NAMESPACE, FakeProbe
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module

RUN_ID = "20260101T000000Z-aaaaaa"


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        FakeProbe(api)
        yield api


def probe(api, tmp_path, check=False, **given):
    return run_module("nodeport_probe", check, kubeconfig=api.kubeconfig(tmp_path), **given)


def test_there_heard_and_gone(api, tmp_path):
    made = probe(api, tmp_path, run_id=RUN_ID, registry="mirror.example.com")
    assert made["changed"] and len(made["backends"]) == 3 and len(made["nodes"]) == 3
    image = next(found for path, found in api.objects.items() if "/pods/" in path)["spec"]["containers"][0]["image"]
    assert image.startswith("mirror.example.com/e2e-test-images/agnhost:")
    api.script("GET", "/log", Reply(200, b"Started UDP server\nx to UDP client 203.0.113.9:40000\n"))
    assert probe(api, tmp_path, state="heard", backends=made["backends"])["heard"]["node-1"] == ["203.0.113.9 40000"]
    assert probe(api, tmp_path, check=True, state="absent")["changed"] and NAMESPACE in api.objects
    assert probe(api, tmp_path, state="absent")["changed"] and NAMESPACE not in api.objects


def test_errors_are_sentences(api, tmp_path):
    api.put(NAMESPACE, {})
    assert probe(api, tmp_path, run_id=RUN_ID)["error_class"] == "conflict"
    assert "namespace/name" in probe(api, tmp_path, run_id=RUN_ID, namespace="x", pull_secret="mirror")["msg"]
    assert "run_id" in probe(api, tmp_path)["msg"]
