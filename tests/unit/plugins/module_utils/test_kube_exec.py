# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import kube
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Down, Failed, Garbled, NotFound, Throttled, Timeout)
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Output, Reply, failure


def test_exec_returns_streams_and_exit_code(api, cluster):
    api.on_exec = lambda pod, command: Output((pod + " " + " ".join(command)).encode(), b"warn", 3)
    result = cluster.exec("kube-system", "cilium-x", "cilium-agent", ["cilium", "status", "-o", "json"])
    assert result == ("cilium-x cilium status -o json", "warn", 3)


def test_exec_output_of_many_frames_and_any_bytes(api, cluster):
    api.on_exec = lambda pod, command: Output(b"\xff\x00" + b"x" * 300000)
    result = cluster.exec("kube-system", "p", "c", ["x"])
    assert result.stdout == "\ufffd\x00" + "x" * 300000 and result.exit_code == 0


def test_exec_that_hangs_is_a_timeout(api, cluster):
    api.on_exec = lambda pod, command: Output(b"partial", delay=5)
    begin = time.monotonic()
    with pytest.raises(Timeout) as caught:
        cluster.exec("kube-system", "p", "c", ["cilium", "status"], timeout=0.4)
    assert time.monotonic() - begin < 2 and "cilium status in pod p" in caught.value.message


def test_exec_that_writes_without_end_is_garbled(api, cluster):
    api.on_exec = lambda pod, command: Output(b"x" * 200000)
    with pytest.raises(Garbled):
        cluster.exec("kube-system", "p", "c", ["x"], max_bytes=100000)


def test_exec_that_breaks_off_is_unreachable(api, cluster):
    api.on_exec = lambda pod, command: Output(b"x", code=None)
    with pytest.raises(Down):
        cluster.exec("kube-system", "p", "c", ["x"])


def test_exec_of_a_command_that_is_not_there_is_failed(api, cluster):
    api.on_exec = lambda pod, command: Output(start_error='exec: "nope": executable file not found in $PATH')
    with pytest.raises(Failed) as caught:
        cluster.exec("kube-system", "p", "c", ["nope"])
    assert "executable file not found" in caught.value.message


@pytest.mark.parametrize("said, error", [
    ("Internal error occurred: unable to upgrade connection: too many requests, please try again later", Throttled),
    ('Internal error occurred: error sending request: Post "https://10.0.0.1:10250/exec": dial tcp: i/o timeout', Down),
    ("Internal error occurred: container runtime is gone", Failed)])
def test_exec_tells_a_kubelets_troubles_apart(api, cluster, monkeypatch, said, error):
    monkeypatch.setattr(kube, "ATTEMPTS", 1)
    api.on_exec = lambda pod, command: Output(start_error=said)
    with pytest.raises(error) as caught:
        cluster.exec("kube-system", "p", "c", ["x"])
    assert caught.value.__class__ is error


def test_exec_that_the_kubelet_is_away_for_before_it_begins(api, cluster):
    api.script("GET", "/exec", Reply(500, failure("error dialing backend: dial tcp 10.0.0.1:10250: refused", 500)))
    with pytest.raises(Down):
        cluster.exec("kube-system", "p", "c", ["x"])


@pytest.mark.parametrize("raw", [b"Success", b"[]", b'{"status": 3, "details": 4}', b'{}'])
def test_exec_with_a_status_nobody_understands_is_garbled(api, cluster, raw):
    api.on_exec = lambda pod, command: Output(raw_status=raw)
    with pytest.raises(Garbled):
        cluster.exec("kube-system", "p", "c", ["x"])


def test_exec_refused_by_a_missing_pod(api, cluster):
    api.script("GET", "/exec", Reply(404, failure('pods "p" not found', 404)))
    with pytest.raises(NotFound):
        cluster.exec("kube-system", "p", "c", ["x"])


def test_exec_is_tried_again_when_throttled(api, cluster):
    api.on_exec = lambda pod, command: Output(b"ok")
    plain, answers = api.prescribed, [Reply(429, b"busy"), None]
    api.prescribed = lambda method, path: answers.pop(0) if answers else plain(method, path)
    assert cluster.exec("kube-system", "p", "c", ["x"]).stdout == "ok"
