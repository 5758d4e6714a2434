# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.probe_logs import clients, heard
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply

LOG = """I1125 13:00:00.000000       1 log.go:245] Started HTTP server on port 8080
2026/11/25 13:00:00 Started UDP server on port  8081
2026/11/25 13:00:01 Sending clientip back to UDP client 203.0.113.9:40000
2026/11/25 13:00:02 Sending udp hostName response
2026/11/25 13:00:03 Echoing abc to UDP client [2001:db8::9]:40001
2026/11/25 13:00:03 Unknown UDP command received from 203.0.113.9:40000: x to UDP client y
"""
BACKENDS = [{"node": "a", "hostname": "probe-a"}, {"node": "b", "hostname": "probe-b"}]


def test_the_clients_of_a_log():
    assert clients(LOG) == ["2001:db8::9 40001", "203.0.113.9 40000"]


def test_a_log_that_is_not_netexecs_tells_nothing():
    assert clients("") is None and clients("to UDP client 203.0.113.9:40000\n") is None
    assert clients("Started UDP server on port 8081\n") == []


def test_each_backend_is_asked_and_one_that_cannot_be_is_unknown(api, cluster):
    api.script("GET", "/pods/probe-a/log", Reply(200, LOG.encode()))
    assert heard(cluster, "fastpath-probe", BACKENDS) == {"a": ["2001:db8::9 40001", "203.0.113.9 40000"], "b": None}
