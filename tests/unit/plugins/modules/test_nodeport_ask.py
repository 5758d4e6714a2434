# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_netexec import NetExec
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module


def test_asked_as_ansible_does():
    with NetExec("127.0.0.5", "probe-1") as pod:
        target = {"entry": "a", "backend": "b", "address": "127.0.0.5", "family": "ipv4", "hostname": "probe-1"}
        found = run_module("nodeport_ask", check=True, mtu=1500, attempts=1, targets=[
            dict(target, protocol=protocol, port=pod.ports[protocol], rooms=[None, 8]) for protocol in ("tcp", "udp")])
    assert [pair["state"] for pair in found["pairs"]] == ["reached"] * 4 and found["changed"] is False
    assert [pair["room"] for pair in found["pairs"]] == [None, 8, None, 8]


def test_bad_targets_are_sentences():
    target = {"entry": "a", "backend": "b", "address": "127.0.0.5", "family": "ipv4", "hostname": "x", "protocol": "tcp",
              "port": 1}
    assert "whole numbers" in run_module("nodeport_ask", targets=[dict(target, rooms=["x"])])["msg"]
    assert "above 0" in run_module("nodeport_ask", targets=[], timeout=0)["msg"]
