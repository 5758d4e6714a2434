# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import kube_config
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import BadKubeconfig, Cluster, Timeout


@pytest.fixture(name="no_default")
def fixture_no_default(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_default")
def test_no_kubeconfig_at_all(tmp_path):
    with pytest.raises(BadKubeconfig) as caught:
        Cluster.connect()
    assert "~/.kube/config" in caught.value.message and "KUBECONFIG" in caught.value.message
    with pytest.raises(BadKubeconfig) as caught:
        Cluster.connect(str(tmp_path / "nope"))
    assert str(tmp_path / "nope") in caught.value.message and "looked for in" not in caught.value.message


@pytest.mark.usefixtures("no_default")
def test_a_relative_kubeconfig_that_is_not_there_is_told_with_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadKubeconfig) as caught:
        Cluster.connect("here/nope")
    assert "here/nope" in caught.value.message
    assert f"full path: this one was looked for in {tmp_path}" in caught.value.message


@pytest.mark.parametrize("content", [
    "a: [1\nsecret: hunter2", "", "just text hunter2", "- hunter2", "clusters: hunter2", "apiVersion: v1\nusers: 7",
    "\x00\x01hunter2", "current-context: a\ncontexts: [{nope: hunter2}]\nclusters: []\nusers: []",
    "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: []\n"
    "users: [{name: u, user: {token: hunter2}}]",
    "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
    "clusters: [{name: c, cluster: {server: 'https://x'}}]\nusers: [{name: u, usr: {token: hunter2}}]",
    "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
    "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: '%%hunter2'}}]\n"
    "users: [{name: u, user: {token: hunter2}}]",
])
def test_a_garbled_kubeconfig_is_named_and_not_quoted(tmp_path, content):
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(BadKubeconfig) as caught:
        Cluster.connect(str(path))
    assert str(path) in caught.value.message and "hunter2" not in caught.value.message


def test_unknown_context_is_named(api, tmp_path):
    with pytest.raises(BadKubeconfig) as caught:
        Cluster.connect(api.kubeconfig(tmp_path), context="production")
    assert "has no context production; it has " in caught.value.message


def test_kubeconfig_that_may_not_be_read(api, tmp_path):
    path = api.kubeconfig(tmp_path)
    os.rename(path, path + ".dir")
    os.mkdir(path)
    with pytest.raises(BadKubeconfig):
        Cluster.connect(path)


def test_kubeconfig_variable_may_list_several_files(api, tmp_path, monkeypatch, no_default):
    cluster_file, user_file = tmp_path / "clusters", tmp_path / "users"
    cluster_file.write_text(json.dumps({
        "clusters": [{"name": "c", "cluster": {"server": api.url}}], "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]}))
    user_file.write_text(json.dumps({"users": [{"name": "u", "user": {"token": "well-known-token"}}]}))
    monkeypatch.setenv("KUBECONFIG", "{0}:{1}:{2}".format(tmp_path / "absent", cluster_file, user_file))
    assert Cluster.connect().get("/version")["gitVersion"] == "v1.31.2"


def plugin_kubeconfig(tmp_path, script):
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\n" + script)
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps({
        "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}}}]}))
    return str(path)


def test_a_credential_plugin_that_fails_is_told_before_anything_is_asked(tmp_path):
    with pytest.raises(BadKubeconfig) as caught:
        Cluster.connect(plugin_kubeconfig(tmp_path, "echo token=hunter2 >&2; exit 1\n"))
    assert "credential" in caught.value.message and "hunter2" not in caught.value.message


def test_a_credential_plugin_that_hangs_is_a_timeout(tmp_path, monkeypatch):
    monkeypatch.setattr(kube_config, "PLUGIN_TIMEOUT", 0.3)
    with pytest.raises(Timeout):
        Cluster.connect(plugin_kubeconfig(tmp_path, "exec sleep 3\n"))


def test_service_account_of_a_pod(api, tmp_path, monkeypatch, no_default):
    from kubernetes.config import incluster_config
    token, cert = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("well-known-token")
    cert.write_text("not used over plain HTTP")
    monkeypatch.setattr(kube_config, "SERVICE_ACCOUNT_TOKEN", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(cert))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", api.url.rsplit(":", 1)[1])
    settings = kube_config.load(None, None)
    assert settings.host == api.url.replace("http", "https")
    settings.host, settings.ssl_ca_cert = api.url, None
    headers = [setting["value"] for setting in settings.auth_settings().values()]
    assert [value.lower() for value in headers] == ["bearer well-known-token"]
    with pytest.raises(BadKubeconfig):
        kube_config.load(None, "some-context")
