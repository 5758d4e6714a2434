# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.ring import MOST_FURTHER, further, targets
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.probe.network import Network


def workload(nodes=4, families=("ipv4", "ipv6"), waiting=()):
    names = [f"node-{number}" for number in range(nodes, 0, -1)]
    return {
        "nodes": [{"node": name, "entries": {"ipv4": f"192.0.2.{name[-1]}", "ipv6": f"2001:db8::{name[-1]}"}}
                  for name in names],
        "backends": [{"node": name, "hostname": f"pod-{name}", "ready": name not in waiting, "families": list(families),
                      "ports": {"tcp": 30000 + int(name[-1]), "udp": 31000 + int(name[-1])}} for name in names]}


def ways(found):
    return sorted({(one["entry"], one["backend"]) for one in found})


def test_every_node_is_an_entry_and_a_backend_and_asked_by_itself_too():
    found = targets(workload())
    remote = [way for way in ways(found) if way[0] != way[1]]
    names = [f"node-{number}" for number in range(1, 5)]
    assert sorted(entry for entry, _backend in remote) == sorted(backend for _entry, backend in remote) == names
    assert [way for way in ways(found) if way[0] == way[1]] == [(name, name) for name in names]
    assert len(found) == 8 * 4
    one = next(one for one in found if one["family"] == "ipv6" and one["protocol"] == "udp" and one["backend"] == "node-2")
    assert (one["port"], one["hostname"], one["rooms"][0]) == (31002, "pod-node-2", None) and 24 in one["rooms"]


def test_only_what_the_services_have_and_who_is_ready():
    found = targets(workload(families=("ipv4",), waiting=("node-2",)))
    assert {one["family"] for one in found} == {"ipv4"} and "node-2" not in {name for way in ways(found) for name in way}
    assert len(ways(targets(workload(1)))) == 1 and targets({}) == []


def test_failed_pairs_are_asked_about_by_other_ways():
    network = Network(nodes=4, mode="dsr", fault=lambda p: "timeout" if p.leg == "over" and p.backend == "node-3" else None)
    found = further(workload(), network.document())
    assert ways(found) == [("node-2", "node-1"), ("node-4", "node-3")]
    assert further(workload(), Network(nodes=4).document()) == []


def test_where_most_fail_nothing_more_is_asked():
    network = Network(nodes=MOST_FURTHER + 1, fault=lambda packet: "timeout")
    assert further(workload(9), network.document()) == []
