# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import random

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.verdict import judge
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.probe.network import CLIENT, Network


def facts(network, claims=None, rp_filter=None, provider=""):
    """What agents say of themselves, in the shape that cilium_info has."""
    def agent(node):
        status = {"health": "ok", "nodeport_mode": (claims or network.modes)[node], "dsr_dispatch": network.dispatch,
                  "devices": ["eth0", "eth1"], "direct_routing_device": "eth0"}
        return {"node": node, "pod": f"cilium-{node}", "version": "1.16.0", "ready": True, "config_current": True, "error": None,
                "options": {}, "status": status}

    def host(node):
        found = [{"name": name, "rp_filter": 1 if node == rp_filter and name == "eth1" else 0} for name in ("eth0", "eth1")]
        return {"host": node, "node": node, "problem": None, "facts": {
            "schema": 1, "sysctl": {"net.ipv4.conf.all.rp_filter": "0"}, "devices": found}}
    nodes = [{"name": node, "provider_id": provider, "labels": {}} for node in network.nodes]
    return {"schema": 1, "agents": [agent(node) for node in network.nodes], "nodes": nodes, "config": {"data": {}}, "unread": [],
            "hosts": [host(node) for node in network.nodes] if rp_filter else None}


def kinds(verdict):
    return [cause["cause"] for cause in verdict["causes"]]


def judged(network, wanted=None, pairs=None, **known):
    return judge(network.document(pairs), facts(network, **known), wanted or network.modes["node-1"])


def drops_options(packet):
    return "timeout" if packet.option else None


def checks_sources(packet):
    return "timeout" if packet.source not in (packet.sender, "client") and packet.leg == "home" else None


def no_udp(packet):
    return "timeout" if packet.protocol == "udp" else None


def lost_over(packet, lost):
    return "timeout" if packet.leg == "over" and lost else None


def cut_between(one, other):
    return lambda packet: "timeout" if packet.leg == "over" and (packet.entry, packet.backend) == (one, other) else None


ALL = [(f"node-{a}", f"node-{b}") for a in range(1, 5) for b in range(1, 5)]
FAULTS = {
    "fabric_drops_dsr": (dict(mode="dsr", fault=drops_options), {}),
    "fabric_drops_dsr-2": (dict(mode="dsr", dispatch="geneve", fault=checks_sources), {}),
    "udp_only": (dict(fault=no_udp), {}),
    "udp_only-2": (dict(mode="dsr", fault=lambda p: "timeout" if p.protocol == "udp" and p.leg == "over" else None), {}),
    "stateful_path": (dict(mode="dsr", fault=lambda p: checks_sources(p) if p.protocol == "tcp" else None), {}),
    "tcp_only": (dict(fault=lambda p: "timeout" if p.protocol == "tcp" else None), {}),
    "one_pair": (dict(nodes=4, mode="dsr", fault=cut_between("node-2", "node-3")), dict(pairs=ALL)),
    "one_entry": (dict(fault=lambda p: "timeout" if p.leg == "in" and p.entry == "node-2" else None), {}),
    "one_entry_remote": (dict(nodes=4, mode="dsr", fault=lambda p: lost_over(p, p.entry == "node-2")), dict(pairs=ALL)),
    "one_backend_remote": (dict(nodes=4, mode="dsr", fault=lambda p: lost_over(p, p.backend == "node-3")), dict(pairs=ALL)),
    "one_backend": (dict(fault=lambda p: "reset" if p.backend == p.sender == "node-3" else None), {}),
    "one_node": (dict(fault=lambda p: "timeout" if "node-2" in (p.entry, p.backend) else None), {}),
    "rp_filter": (dict(nodes=4, mode="dsr", fault=lambda p: lost_over(p, p.backend == "node-3" and p.source == "client")),
                  dict(pairs=ALL, rp_filter="node-3")),
    "client_cut_off": (dict(fault=lambda p: "timeout" if p.leg == "in" else None), {}),
    "not_served": (dict(fault=lambda p: "refused" if p.leg == "in" else None), {}),
    "service_broken": (dict(fault=lambda p: "reset"), {}),
    "between_nodes": (dict(fault=lambda p: "timeout" if p.leg == "over" else None), {}),
    "ipv6_options_dropped": (dict(mode="dsr", fault=lambda p: "timeout" if p.option and p.family == "ipv6" else None), {}),
    "ipv4_options_dropped": (dict(mode="dsr", fault=lambda p: "timeout" if p.option and p.family == "ipv4" else None), {}),
    "ipv6_broken": (dict(fault=lambda p: "unreachable" if p.family == "ipv6" else None), {}),
    "local_backends": (dict(fault=lambda p: "timeout" if p.entry == p.backend else None), {}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_gets_its_cause_and_no_other(name):
    given, more = FAULTS[name]
    found = judged(Network(**given), **more)
    assert found["passed"] is False and kinds(found) == [name.partition("-")[0]], found["reason"]
    assert found["causes"][0]["way_out"] and found["failed"] == found["causes"][0]["pairs"] > 0


@pytest.mark.parametrize(("fault", "kind"), [(drops_options, "ip_options_dropped"), (checks_sources, "source_dest_check")])
def test_what_backends_heard_tells_options_from_source_checks(fault, kind):
    network = Network(mode="dsr", fault=fault)
    network.logs = True
    found = judged(network, provider="aws:///a/i-1")
    assert kinds(found) == [kind] and found["passed"] is False
    assert kind != "source_dest_check" or "AWS" in found["causes"][0]["sentence"]


def test_geneve_that_never_arrives():
    network = Network(mode="dsr", dispatch="geneve", fault=lambda packet: "timeout" if packet.geneve else None)
    network.logs = True
    assert kinds(judged(network)) == ["geneve_dropped"]


@pytest.mark.parametrize("size", [1500, 1505])
def test_no_room_for_what_dsr_adds(size):
    network = Network(mode="dsr")
    network.takes_less = {"over": size}
    assert kinds(judged(network)) == ["mtu"]
    snat = Network(mode="snat")
    snat.takes_less = {"over": size}
    assert judged(snat)["passed"] is True


def test_a_path_that_takes_less_is_not_the_fault_of_dsr():
    for leg, kind in (("in", "mtu_to_nodes"), ("over", "mtu_between_nodes")):
        network = Network(mode="snat")
        network.takes_less = {leg: 1450}
        assert kinds(judged(network)) == [kind]


def test_a_rollout_that_stopped_halfway():
    network = Network(nodes=4, mode="dsr")
    network.modes.update({"node-3": "snat", "node-4": "snat"})
    network.deaf = {"node-3", "node-4"}
    found = judged(network, "dsr", ALL)
    assert kinds(found)[0] == "mixed_rollout" and found["causes"][0]["nodes"] == ["node-3", "node-4"]
    assert found["mode"] == "mixed" and kinds(found)[1:] == ["mixed_modes"]


def test_the_status_and_the_wire_differ():
    network = Network(mode="snat")
    found = judged(network, "dsr", claims=dict.fromkeys(network.nodes, "dsr"))
    assert kinds(found) == ["status_differs"] and found["passed"] is False and found["mode"] == "snat"


def test_agents_that_fell_back():
    assert kinds(judged(Network(mode="snat"), "dsr")) == ["other_mode"]


def test_a_backend_that_cannot_pull_its_image_leaves_its_node_unproven():
    network = Network(mode="dsr")
    network.waiting = {"node-2": "ImagePullBackOff: no such image"}
    found = judged(network)
    assert found["passed"] is None and kinds(found) == ["image"] and found["causes"][0]["nodes"] == ["node-2"]
    network.waiting = {"node-2": "it is Pending"}
    assert kinds(judged(network)) == ["backend_not_ready"]


def test_a_ring_with_a_gap_proves_nothing():
    document = Network(mode="dsr").document()
    pairs = document["clients"][0]["pairs"]
    pairs[:] = [pair for pair in pairs if pair["entry"] != "node-2"]
    found = judge(document, None, "dsr")
    assert found["passed"] is None and found["reason"] == "Not every node was proven as entry and backend."


def test_a_client_that_cannot_ask_and_one_node_alone_prove_nothing():
    document = Network().document()
    document["clients"].append({"client": "far", "error": "It cannot be reached.", "pairs": []})
    found = judge(document, None, "snat")
    assert found["passed"] is None and kinds(found) == ["client_failed"]
    assert kinds(judged(Network(nodes=1, mode="dsr"))) == ["one_backend_only"]


def test_an_address_that_is_translated_on_the_way_is_not_taken_for_a_mode():
    document = Network(mode="snat").document()
    for pair in document["clients"][0]["pairs"]:
        pair["seen"] = "198.51.100.7" if pair["family"] == "ipv4" else "2001:db8:ffff::7"
        if pair["entry"] == pair["backend"]:
            pair["seen"] = None
    found = judge(document, None, "dsr")
    assert found["passed"] is None and found["mode"] == "unknown" and kinds(found) == ["address_hidden"]


def test_wrong_backends_and_foreign_answers():
    document = Network(mode="dsr").document()
    for pair in document["clients"][0]["pairs"]:
        if pair["entry"] == "node-1":
            pair["answered"] = "pod-node-9"
    assert kinds(judge(document, None, "dsr"))[0] == "wrong_backend"
    for pair in document["clients"][0]["pairs"]:
        pair.update(state="wrong_answer", answered=None)
    assert kinds(judge(document, None, "dsr")) == ["foreign_answer"]


def test_loss_without_a_pattern_is_not_explained():
    document = Network(nodes=5).document()
    for pair in random.Random(3).sample(document["clients"][0]["pairs"], 5):
        pair["state"] = "timeout"
    found = judge(document, None, "snat")
    assert "unexplained" in kinds(found) and found["passed"] is False


CLEAN = [(nodes, mode, dispatch, families, client) for nodes in (2, 3, 7) for mode in ("snat", "dsr", "hybrid")
         for dispatch in ("opt", "geneve") for families in (("ipv4",), ("ipv6",), ("ipv4", "ipv6"))
         for client in (None, {"ipv4": "198.51.100.1", "ipv6": "2001:db8:ffff::1"})]


@pytest.mark.parametrize("given", CLEAN, ids=str)
def test_what_works_has_no_cause(given):
    nodes, mode, dispatch, families, client = given
    network = Network(nodes, mode, dispatch, families, client=client)
    found = judged(network)
    assert found["causes"] == [] and found["passed"] is True and found["mode"] == mode, found["reason"]
    assert {entry["wire"] for entry in found["nodes"].values()} == {mode} and found["failed"] == 0


def test_there_are_enough_of_both():
    assert len(CLEAN) >= 50 and len({name.partition("-")[0] for name in FAULTS}) >= 12


STRANGE = {"entry": "a", "backend": "b", "protocol": "tcp", "family": "ipv4", "state": ["x"], "room": "1", "seen": "x"}
GARBAGE = {"clients": [{"pairs": [{"entry": 1}, None, STRANGE]}], "backends": [{"node": 1}],
           "nodes": [{"node": "a", "addresses": [1, "zz"]}]}


@pytest.mark.parametrize("garbage", [None, 3, [], GARBAGE])
def test_garbage_proves_nothing(garbage):
    assert judge(garbage, garbage)["passed"] is None and CLIENT
