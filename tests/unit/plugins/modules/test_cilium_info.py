# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Output
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import FakeCilium
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        FakeCilium(api)
        yield api


@pytest.mark.parametrize("check", [False, True])
def test_facts_are_returned_and_nothing_changes(api, tmp_path, check):
    result = run_module("cilium_info", check, kubeconfig=api.kubeconfig(tmp_path))
    assert result["rc"] == 0 and result["changed"] is False and result["facts"]["schema"] == 1
    assert [agent["status"]["nodeport_mode"] for agent in result["facts"]["agents"]] == ["snat"] * 3
    assert {request[0] for request in api.requests} == {"GET"}


def test_kubeconfig_by_environment_and_agents_left_alone(api, tmp_path):
    result = run_module("cilium_info", env={"K8S_AUTH_KUBECONFIG": api.kubeconfig(tmp_path)}, agents=False)
    assert [agent["status"] for agent in result["facts"]["agents"]] == [None] * 3


def test_an_agent_that_hangs_is_told_and_the_others_are_read(api, tmp_path):
    plain = api.on_exec
    api.on_exec = lambda pod, command: Output(delay=30) if "node-2" in pod else plain(pod, command)
    facts = run_module("cilium_info", kubeconfig=api.kubeconfig(tmp_path), agent_timeout=0.5)["facts"]
    assert [agent["error"] and agent["error"]["class"] for agent in facts["agents"]] == [None, "timeout", None]


def test_hostile_text_stays_text(api, tmp_path):
    said = b"{{ lookup('pipe', 'id') }} \x1b[2J<script>\x07" + b"A" * 1000000
    api.on_exec = lambda pod, command: Output(b"", said, 1)
    facts = run_module("cilium_info", kubeconfig=api.kubeconfig(tmp_path))["facts"]
    message = facts["agents"][0]["error"]["message"]
    assert "{{ lookup('pipe', 'id') }} <script>" in message and len(message) < 1000


@pytest.mark.parametrize("given, error_class, words", [
    ({"kubeconfig": "/nonexistent/kubeconfig"}, "failed", "/nonexistent/kubeconfig"),
    ({"context": "production"}, "failed", "production"),
])
def test_no_way_to_the_cluster_is_one_sentence(api, tmp_path, given, error_class, words):
    result = run_module("cilium_info", **dict({"kubeconfig": api.kubeconfig(tmp_path)}, **given))
    assert result["failed"] and result["error_class"] == error_class and words in result["msg"]


def test_expired_token_is_one_sentence_without_the_token(api, tmp_path):
    result = run_module("cilium_info", kubeconfig=api.kubeconfig(tmp_path, token="hunter2"))
    assert result["failed"] and result["error_class"] == "denied" and "expired" in result["msg"]
    assert "hunter2" not in json.dumps(result)


def test_no_temporary_file_is_left(api, tmp_path):
    path = tmp_path / "with-certificates"
    pem = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()
    path.write_text(json.dumps({
        "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {
            "server": "https://127.0.0.1:1", "certificate-authority-data": pem}}],
        "users": [{"name": "u", "user": {"client-certificate-data": pem, "client-key-data": pem}}]}))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    result = run_module("cilium_info", kubeconfig=str(path), env={"TMPDIR": str(scratch)}, _ansible_tmpdir=str(scratch))
    assert result["failed"] and result["error_class"] == "unreachable", result["msg"]
    assert not scratch.exists() or list(scratch.iterdir()) == []


def test_without_the_python_client_one_sentence_says_what_is_missing(tmp_path, monkeypatch):
    stub = tmp_path / "kubernetes"
    stub.mkdir()
    (stub / "__init__.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run_module("cilium_info")
    assert result["failed"] and "(kubernetes)" in result["msg"]
