# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_netexec import NetExec
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module

NAME = "20260101T000000Z-aaaaaa"


def test_started_read_and_stopped(tmp_path):
    folder = str(tmp_path / "top")
    with NetExec("127.0.0.8", "probe-1") as pod:
        target = {"entry": "a", "backend": "b", "address": pod.address, "port": pod.ports["tcp"], "protocol": "tcp", "family": "ipv4",
                  "hostname": "probe-1", "rooms": [None]}
        targets = [target, dict(target, entry="b"), dict(target, protocol="udp")]
        previewed = run_module("connection_meter", check=True, name=NAME, targets=targets, folder=folder)
        assert previewed["changed"] and previewed["meter"] is None
        started = run_module("connection_meter", name=NAME, targets=targets, folder=folder, held=2)
        assert started["changed"] and list(started["meter"]["nodes"]) == ["a"], "local backends and UDP are not measured"
        time.sleep(1.5)
        assert run_module("connection_meter", name=NAME, state="read", folder=folder)["meter"]["running"]
        stopped = run_module("connection_meter", name=NAME, state="stopped", folder=folder)
    assert stopped["meter"]["nodes"]["a"]["new"]["ok"] > 5 and stopped["meter"]["ended"] == "stopped"
    assert "no meter" in run_module("connection_meter", name=NAME, state="read", folder=folder)["msg"]


def test_errors_are_sentences(tmp_path):
    folder = str(tmp_path / "top")
    assert "no target" in run_module("connection_meter", name=NAME, targets=[], folder=folder)["msg"]
    assert "nodeport_ring" in run_module("connection_meter", name=NAME, targets=[{"x": 1}], folder=folder)["msg"]
    assert "targets" in run_module("connection_meter", name=NAME)["msg"]
