# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat
import sys
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import helm as helm_module
from ansible_collections.fastpath.cilium.plugins.module_utils.helm import (
    Helm, HelmFailed, environment, find, message_of, version)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Failed, Garbled, Timeout


def program(folder, body, name="helm"):
    """An executable that runs this Python."""
    path = folder / name
    path.write_text("#!{0}\nimport json, os, sys, time\n{1}\n".format(sys.executable, body))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


ECHO = """
record = {"argv": sys.argv[1:], "stdin": sys.stdin.read(), "env": dict(os.environ)}
open(os.path.join(os.path.dirname(__file__), "record"), "w").write(json.dumps(record))
print(json.dumps({"manifest": "a: 1"}))
"""


def recorded(folder):
    return json.loads((folder / "record").read_text())


def test_values_go_in_through_stdin_and_never_through_argv(tmp_path):
    helm = Helm(program(tmp_path, ECHO), "cilium", "kube-system", str(tmp_path), "/some/config", "lab")
    assert helm.render("/chart", {"password": "hunter2", "mtu": 9000, "nil": None}) == {"manifest": "a: 1"}
    seen = recorded(tmp_path)
    assert json.loads(seen["stdin"]) == {"password": "hunter2", "mtu": 9000, "nil": None}
    assert seen["argv"] == ["upgrade", "cilium", "/chart", "--reset-values", "--values", "-", "--output", "json",
                            "--namespace", "kube-system", "--kube-context", "lab", "--dry-run=server"]
    assert seen["env"]["KUBECONFIG"] == "/some/config"


def test_an_upgrade_keeps_the_history_there_is_and_does_not_wait(tmp_path):
    helm = Helm(program(tmp_path, ECHO), "cilium", "kube-system", str(tmp_path))
    helm.upgrade("/chart", {}, "why", 30)
    argv = recorded(tmp_path)["argv"]
    assert argv[argv.index("--history-max") + 1] == "31" and argv[argv.index("--description") + 1] == "why"
    assert not [word for word in argv if word.startswith(("--wait", "--atomic", "--install", "--dry-run", "--reuse"))]
    helm.upgrade("/chart", {}, "why", 3)
    argv = recorded(tmp_path)["argv"]
    assert argv[argv.index("--history-max") + 1] == "10"


def test_a_rollback_names_its_revision(tmp_path):
    Helm(program(tmp_path, ECHO), "cilium", "kube-system", str(tmp_path)).rollback(7, 12)
    assert recorded(tmp_path)["argv"] == ["rollback", "cilium", "7", "--history-max", "13", "--namespace",
                                          "kube-system"]


def test_nothing_of_the_users_helm_matters(tmp_path, monkeypatch):
    for name, value in (("HELM_DRIVER", "sql"), ("HELM_KUBETOKEN", "x"), ("HELM_NAMESPACE", "y"),
                        ("KUBECONFIG", "/inherited")):
        monkeypatch.setenv(name, value)
    found = environment(str(tmp_path), None)
    assert {name: value for name, value in found.items() if name.startswith("HELM_")} == {
        "HELM_CACHE_HOME": str(tmp_path / "helm/cache"), "HELM_CONFIG_HOME": str(tmp_path / "helm/config"),
        "HELM_DATA_HOME": str(tmp_path / "helm/data"), "HELM_DRIVER": "secret"}
    assert found["KUBECONFIG"] == "/inherited"
    assert environment(str(tmp_path), "~/x")["KUBECONFIG"] == os.path.expanduser("~/x")


@pytest.mark.parametrize("answer", ["", "no json", "[]", "{}", '{"manifest": null}'])
def test_a_dry_run_that_gives_no_release_is_garbled(tmp_path, answer):
    helm = Helm(program(tmp_path, "print({0!r})".format(answer)), "cilium", "kube-system", str(tmp_path))
    with pytest.raises(Garbled, match="no JSON release"):
        helm.render("/chart", {})


def test_helms_error_comes_back_without_secrets_and_control_characters(tmp_path):
    body = ("sys.stdin.read(); sys.stderr.write('W1 warning\\nError: UPGRADE FAILED: \\x1b[31mbad\\x07 hunter2 \\n"
            "second line'); sys.exit(3)")
    helm = Helm(program(tmp_path, body), "cilium", "kube-system", str(tmp_path))
    with pytest.raises(HelmFailed) as caught:
        helm.upgrade("/chart", {"password": "hunter2"}, "why", 1)
    assert caught.value.message == "Error: UPGRADE FAILED: bad <hidden> second line"


def test_a_helm_that_hangs_is_ended(tmp_path):
    body = "open(os.path.join(os.path.dirname(__file__), 'pid'), 'w').write(str(os.getpid())); time.sleep(60)"
    helm = Helm(program(tmp_path, body), "cilium", "kube-system", str(tmp_path), timeout=1.5)
    start = time.monotonic()
    with pytest.raises(Timeout, match="did not end within 1.5 s.*helm history cilium"):
        helm.rollback(1, 1)
    assert time.monotonic() - start < 8
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_helm_that_does_not_even_end_when_asked_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(helm_module, "GRACE", 0.5)
    body = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with pytest.raises(Timeout):
        Helm(program(tmp_path, body), "cilium", "kube-system", str(tmp_path), timeout=1.5).rollback(1, 1)


def test_helm_ends_with_us(tmp_path, monkeypatch):
    body = "open(os.path.join(os.path.dirname(__file__), 'pid'), 'w').write(str(os.getpid())); time.sleep(60)"
    helm = Helm(program(tmp_path, body), "cilium", "kube-system", str(tmp_path))

    def interrupted(process, *_args, **_kwargs):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        raise SystemExit(143)

    monkeypatch.setattr("subprocess.Popen.communicate", interrupted)
    with pytest.raises(SystemExit):
        helm.rollback(1, 1)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("printed, expected", [
    ("v3.14.2", (3, 14)), ("v4.3", (4, 3)), ("3.22.0+g1234", (3, 22)), ("v3.100.0-rc.1", (3, 100))])
def test_versions(tmp_path, printed, expected):
    binary = program(tmp_path, "print({0!r})".format(printed))
    assert version(binary) == expected and find(binary) == binary


@pytest.mark.parametrize("body, word", [
    ("print('v3.13.9')", "is Helm 3.13: Helm 3.14 or newer"), ("print('v2.17.0')", "is Helm 2.17"),
    ("print('hello')", "does not tell a Helm version"), ("", "does not tell a Helm version"),
    ("print('v3.14.0'); sys.exit(1)", "does not tell a Helm version")])
def test_an_old_or_strange_binary_is_refused(tmp_path, body, word):
    with pytest.raises(Failed, match=word):
        find(program(tmp_path, body))


def test_no_binary_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed, match="There is no helm in PATH.*fastpath_helm"):
        find(None)
    with pytest.raises(Failed, match="cannot be run"):
        find(str(tmp_path / "nothing"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(Failed, match="cannot be run"):
        find(str(tmp_path / "file"))


def test_helm_is_found_in_path(tmp_path, monkeypatch):
    binary = program(tmp_path, "print('v4.0.0')")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find(None) == binary


@pytest.mark.parametrize("stderr, shown", [
    ("Error: A: B", "Error: A: B"), ("level=WARN msg=x\nError: last\n", "Error: last"), ("only text", "only text"),
    ("", "helm ended with code 1 and said nothing."),
    ('Error: cannot patch: Invalid value: "{\\"a\\":\\"' + "x" * 5000 + '\\"}": reason',
     'Error: cannot patch: Invalid value: "{...}": reason')])
def test_what_is_shown_of_helms_words(stderr, shown):
    assert message_of(stderr, 1, set()) == shown


@pytest.mark.parametrize("there, kept", [(0, 10), (9, 10), (10, 11), (49, 50), (50, 50), (80, 80)])
def test_a_run_of_many_steps_does_not_push_the_revision_before_it_out_of_the_history(there, kept):
    assert helm_module.history_max(there) == kept
