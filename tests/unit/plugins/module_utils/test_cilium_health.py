# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_health
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Garbled

# As `cilium-health status -o json` prints it, shortened: up to 1.13, and newer.
OLD = {"local": {"name": "kind/node-1"}, "timestamp": "2026-01-01T00:00:00Z", "nodes": [
    {"name": "kind/node-1", "host": {"primary-address": {"ip": "10.0.0.1", "icmp": {"latency": 1}, "http": {"latency": 2}}},
     "endpoint": {"ip": "10.1.0.9", "icmp": {"latency": 1}, "http": {"latency": 2}}},
    {"name": "kind/node-2", "host": {"primary-address": {"ip": "10.0.0.2", "icmp": {"status": "Connection timed out"},
                                                         "http": {"latency": 2}}},
     "endpoint": {"ip": "10.1.1.9", "icmp": {"latency": 1},
                  "http": {"status": "Get \"http://10.1.1.9:4240/hello\":\x1b[31m EOF"}}}]}
NEW = {"local": {"name": "mesh-1/node-1"}, "nodes": [
    {"name": "mesh-1/node-1",
     "health-endpoint": {"primary-address": {"icmp": {"latency": 1, "lastProbed": "x"}, "http": {}}},
     "endpoint": {"icmp": {"status": "of no interest"}}},
    {"name": "mesh-2/node-2", "host": {}}, {"name": "mesh-1/node-3"}]}


def test_old_agents_tell_four_ways_to_every_node():
    found = cilium_health.parse_health(json.dumps(OLD)).nodes
    assert found["node-1"] == {kind: "" for kind in cilium_health.KINDS}
    http = found["node-2"].pop("endpoint/http")
    assert found["node-2"] == {"endpoint/icmp": "", "host/icmp": "Connection timed out", "host/http": ""}
    assert http.startswith("Get ") and http.endswith("EOF") and http.isprintable()


def test_newer_agents_tell_the_endpoint_elsewhere_and_nodes_of_other_clusters_are_left_out():
    found = cilium_health.parse_health("level=warning msg=old\n" + json.dumps(NEW)).nodes
    assert found == {"node-1": {"endpoint/icmp": "", "endpoint/http": ""}, "node-3": {}}


@pytest.mark.parametrize("text", [
    "", "null", "[]", "{", "level=fatal", json.dumps({**OLD, "local": {}}), json.dumps({**OLD, "local": "x"}),
    json.dumps({**OLD, "nodes": None}), "{\"a\":" * 100000])
def test_what_is_no_such_document_is_garbled(text):
    with pytest.raises(Garbled):
        cilium_health.parse_health(text)


@pytest.mark.parametrize("entry", [
    None, 1, {"name": 1}, {"name": "kind/x", "host": []}, {"name": "kind/x", "host": {"primary-address": "y"}},
    {"name": "kind/x", "endpoint": {"icmp": 1}}])
def test_an_odd_entry_proves_nothing(entry):
    found = cilium_health.parse_health(json.dumps({**OLD, "nodes": [entry]})).nodes
    assert found in ({}, {"x": {}})


@pytest.mark.parametrize("node, kind, reason", [
    ("node-1", "host/icmp", None), ("node-2", "host/icmp", "Connection timed out"),
    ("node-3", "host/icmp", "does not know that node"),
])
def test_a_way_is_proved_by_a_probe_that_went_well_only(node, kind, reason):
    found = cilium_health.missing(cilium_health.parse_health(json.dumps(OLD)), node, kind)
    assert found is None if reason is None else reason in found
    bare = cilium_health.Health({"node-1": {}})
    assert cilium_health.missing(bare, "node-1", kind) == "it was not probed"
