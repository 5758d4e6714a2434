# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import (
    DAEMONSET, manifest, put_live, put_release, release)
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import PACKAGE, run_module

# Tells its version, notes how it was called, and renders what stands in the file `rendered` beside it.
HELM = """#!{python}
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
if sys.argv[1] == "version":
    print("v4.0.0"), sys.exit()
values = json.load(sys.stdin)
chart = sys.argv[3]
with open(os.path.join(here, "calls"), "a") as stream:
    stream.write(json.dumps({{"argv": sys.argv[1:], "pid": os.getpid(), "values": values,
                             "chart": sorted(os.listdir(chart)),
                             "mode": oct(os.stat(os.path.dirname(chart)).st_mode), "chart_path": chart}}) + "\\n")
{body}
"""
RENDER = """
name = "rendered" if "mode" in values else "unchanged"
print(json.dumps({"manifest": open(os.path.join(here, name)).read()}))
"""
STORED, RENDERED = manifest({"bpf-lb-mode": "snat"}), manifest({"bpf-lb-mode": "dsr"})


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        put_release(api, release(3, config={"keep": 1}, text=STORED))
        put_live(api, {"bpf-lb-mode": "snat"})
        api.script("PATCH", DAEMONSET, Reply(200, json.dumps(api.objects[DAEMONSET]).encode()))
        yield api


@pytest.fixture(name="scratch")
def fixture_scratch(tmp_path):
    path = tmp_path / "scratch"
    path.mkdir()
    return path


@pytest.fixture(name="helm")
def fixture_helm(tmp_path):
    folder = tmp_path / "helm"
    folder.mkdir()
    (folder / "unchanged").write_text(STORED)
    (folder / "rendered").write_text(RENDERED)

    def make(body: str = RENDER) -> str:
        path = folder / "helm"
        path.write_text(HELM.format(python=sys.executable, body=body))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def calls(tmp_path):
    path = tmp_path / "helm" / "calls"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def change(api, tmp_path, check=False, **given):
    scratch = str(tmp_path / "scratch")
    return run_module("cilium_values", check, env={"TMPDIR": scratch}, _ansible_remote_tmp=scratch,
                      **dict({"kubeconfig": api.kubeconfig(tmp_path)}, **given))


def test_check_mode_shows_values_and_manifests(api, tmp_path, scratch, helm):
    found = change(api, tmp_path, True, helm=helm(), values={"mode": "dsr"}, _ansible_diff=True)
    assert found["rc"] == 0 and found["changed"] and found["revision"] == found["former_revision"] == 3
    assert found["changed_values"] == [{"path": "mode", "former": None, "value": "dsr"}]
    assert "+  bpf-lb-mode: dsr" in found["diff"]["prepared"] and found["config"] == {"bpf-lb-mode": "dsr"}
    assert all("--dry-run=server" in call["argv"] for call in calls(tmp_path))
    assert calls(tmp_path)[-1]["values"] == {"keep": 1, "mode": "dsr"}
    assert calls(tmp_path)[-1]["chart"] == ["Chart.yaml", "files", "templates", "values.yaml"]
    assert calls(tmp_path)[-1]["mode"] == oct(0o40700)
    assert "diff" not in change(api, tmp_path, True, helm=helm(), values={"mode": "dsr"})


def test_only_gets_and_dry_runs_in_check_mode(api, tmp_path, scratch, helm):
    change(api, tmp_path, True, helm=helm(), values={"mode": "dsr"})
    assert {(method, "dryRun=All" in path) for method, path, _headers, _body in api.requests} == {
        ("GET", False), ("PATCH", True)}


def test_nothing_to_do_needs_no_helm(api, tmp_path, scratch):
    found = change(api, tmp_path, helm="/nonexistent/helm", values={"keep": 1, "loadBalancer.mode": None})
    assert (found["changed"], found["revision"], found["held"]) == (False, 3, False)
    assert change(api, tmp_path, helm="/nonexistent/helm", values={})["changed"] is False
    assert change(api, tmp_path, helm="/nonexistent/helm", release_hold=True)["changed"] is False


@pytest.mark.parametrize("given, words", [
    ({"kubeconfig": "/nonexistent/kubeconfig", "values": {}}, "/nonexistent/kubeconfig"),
    ({"context": "production", "values": {}}, "production"),
    ({"release_name": "other", "values": {}}, "no Helm release other"),
    ({"release_name": "--post-renderer=x", "values": {}}, "not a valid release_name"),
    ({"release_namespace": "../x", "values": {}}, "not a valid release_namespace"),
    ({"run_id": "a b", "values": {}}, "not a valid run_id"),
    ({"values": {"a": 1}, "helm": "/nonexistent/helm"}, "/nonexistent/helm cannot be run"),
    ({"values": {"a": 1}, "chart": "/nonexistent/chart"}, "no readable chart"),
    ({"values": {"a..b": 1}}, "no path of a Helm value"), ({"values": {"keep.x": 1}}, "no mapping at keep"),
    ({"values": {"a": 1}, "expected_revision": 2}, "at revision 3"), ({"revision": 9}, "Revision 9 is not in"),
    ({"release_hold": False}, "Nothing is asked for"), ({}, "one of the following is required"),
    ({"values": {}, "revision": 1}, "mutually exclusive")])
def test_bad_input_is_one_sentence(api, tmp_path, scratch, given, words):
    found = change(api, tmp_path, **given)
    assert found["failed"] and words in found["msg"] and "\n" not in found["msg"]
    assert {request[0] for request in api.requests} <= {"GET"}


def test_an_error_has_its_class_and_details(api, tmp_path, scratch):
    put_live(api, {"bpf-lb-mode": "dsr", "etcd-password": "hunter2"})
    found = change(api, tmp_path, values={"a": 1})
    assert found["error_class"] == "failed" and "hunter2" not in json.dumps(found)
    assert [entry["key"] for entry in found["differences"]] == ["bpf-lb-mode", "etcd-password"]
    assert change(api, tmp_path, values={"a": 1}, expected_revision=2)["error_class"] == "conflict"


def test_an_expired_token_is_denied_and_not_shown(api, tmp_path, scratch):
    found = change(api, tmp_path, values={"a": 1}, kubeconfig=api.kubeconfig(scratch, token="hunter2"))
    assert found["error_class"] == "denied" and "hunter2" not in json.dumps(found)


def test_secrets_are_in_no_result_argv_or_file_and_nothing_is_left(api, tmp_path, scratch, helm):
    body = ("\nimport glob\n"
            "names = glob.glob(os.path.dirname(chart) + '/**', recursive=True)\n"
            "files = [open(name, errors='replace').read() for name in names if os.path.isfile(name)]\n"
            "assert not any('hunter2' in text for text in files + sys.argv + list(os.environ.values()))\n"
            "sys.stderr.write('Error: \\x1b[31mno hunter2\\n')\nsys.exit(1)\n")
    found = change(api, tmp_path, helm=helm(body), values={"auth.password": "hunter2"}, rendering_changes="accept")
    assert found["failed"] and found["msg"] == "Error: no <hidden>"
    assert "hunter2" not in json.dumps(found) and calls(tmp_path)[0]["values"]["auth"] == {"password": "hunter2"}
    assert not os.path.exists(calls(tmp_path)[0]["chart_path"])
    assert [name for _path, folders,
            files in os.walk(str(scratch)) for name in folders + files if "cilium-values" in name] == []


def test_a_secret_value_is_hidden_in_a_success_too(api, tmp_path, scratch, helm):
    (tmp_path / "helm" / "rendered").write_text(manifest({"bpf-lb-mode": "dsr", "etcd-password": "hunter2"}))
    found = change(api, tmp_path, True, helm=helm(), values={"mode": "dsr", "extraConfig.etcd-password": "hunter2"},
                   _ansible_diff=True)
    assert found["changed"] and "hunter2" not in json.dumps(found)


def test_a_terminated_module_leaves_no_folder_and_no_helm(api, tmp_path, scratch, helm):
    arguments = {"kubeconfig": api.kubeconfig(tmp_path), "helm": helm("time.sleep(60)"), "values": {"mode": "dsr"},
                 "_ansible_remote_tmp": str(scratch)}
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path), TMPDIR=str(scratch))
    with subprocess.Popen([sys.executable, "-m", PACKAGE + "cilium_values"], stdin=subprocess.PIPE, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        process.stdin.close()
        deadline = time.monotonic() + 60
        while not calls(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    call, = calls(tmp_path)
    assert not os.path.exists(call["chart_path"])
    with pytest.raises(ProcessLookupError):
        os.kill(call["pid"], 0)
