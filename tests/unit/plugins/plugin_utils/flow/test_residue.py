# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import inventory, residue
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

SYSCTLS = {"net.core.default_qdisc": "fq_codel", "net.core.netdev_max_backlog": "8000", "net.core.somaxconn": "128",
           "net.ipv4.tcp_congestion_control": "cubic", "net.ipv4.tcp_max_syn_backlog": "512",
           "net.ipv4.tcp_slow_start_after_idle": "1", "net.ipv4.tcp_fastopen": "1"}
STEP = {"tunings": ["bandwidth_manager", "bbr"], "nodes": ["node-1", "node-2"]}
FACTS = model.load("1.18.12-snat-native")
for number, node_record in enumerate(FACTS["nodes"]):
    node_record["boot_id"] = f"{number:08x}-0000-4000-8000-000000000000"
BOOTS = {node["name"]: node["boot_id"] for node in FACTS["nodes"]}
junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["tunings", "nodes", "node-1", "sysctls", "devices", "qdisc", "host", "eth0", "x"]), inner, max_size=4))


def nic(name="eth0", qdisc="fq_codel", queues=2, **more):
    leaves = {"root": "mq", "leaves": {qdisc: queues}, "others": []} if queues > 1 else {"root": qdisc, "leaves": {}, "others": []}
    return {"name": name, "kind": "physical", "queues": {"rx": queues, "tx": queues}, "qdisc": leaves, **more}


def cluster(sysctls=None, devices=None, node="node-1"):
    """The cluster with one host, of node-1."""
    facts = {"schema": 1, "boot_id": BOOTS[node], "sysctl": {**SYSCTLS, **(sysctls or {})}, "devices": devices or [nic()]}
    return inventory.with_hosts(FACTS, {"a": {"facts": facts}})


def after(**sysctls):
    """As agents with both tunings leave it."""
    theirs = {"net.core.default_qdisc": "fq", "net.core.somaxconn": "4096", "net.ipv4.tcp_max_syn_backlog": "4096",
              "net.ipv4.tcp_congestion_control": "bbr", "net.ipv4.tcp_slow_start_after_idle": "0"}
    return cluster({**theirs, **{name.replace("__", "."): value for name, value in sysctls.items()}}, [nic(qdisc="fq")])


def back(recorded, facts):
    return {way["node"]: way for way in residue.ways_back(recorded, facts)}


def test_what_may_be_changed_is_recorded_and_nothing_else():
    recorded = residue.record(cluster(), STEP)
    assert recorded["tunings"] == STEP["tunings"] and set(recorded["nodes"]) == {"node-1", "node-2"}
    here = recorded["nodes"]["node-1"]
    assert here["host"] == "a" and here["sysctls"] == {name: text for name, text in SYSCTLS.items() if "fastopen" not in name}
    assert here["devices"] == {"eth0": {"qdisc": "fq_codel"}}
    assert recorded["nodes"]["node-2"] == {"host": None, "sysctls": {}, "devices": {}}
    assert residue.record(cluster(), {"tunings": ["dsr"], "nodes": ["node-1"]}) == {}


def test_what_agents_left_is_put_back_the_default_discipline_first():
    way = back(residue.record(cluster(), STEP), after())["node-1"]
    assert way["host"] == "a" and way["kept"] == []
    assert way["ops"][0] == {"kind": "value", "path": "/proc/sys/net/core/default_qdisc", "value": "fq_codel"}
    assert {op["path"].rpartition("/")[2]: op["value"] for op in way["ops"][1:-1]} == {
        "somaxconn": "128", "tcp_congestion_control": "cubic", "tcp_max_syn_backlog": "512", "tcp_slow_start_after_idle": "1"}
    assert way["ops"][-1] == {"kind": "qdisc", "device": "eth0", "discipline": "fq_codel"}


def test_a_number_that_old_agents_lowered_goes_up_again():
    way = back(residue.record(cluster(), STEP), cluster({"net.core.netdev_max_backlog": "1000"}))["node-1"]
    assert way["ops"] == [{"kind": "value", "path": "/proc/sys/net/core/netdev_max_backlog", "value": "8000"}]


def test_what_is_as_it_was_needs_nothing():
    way = back(residue.record(cluster(), STEP), cluster())["node-1"]
    assert (way["ops"], way["kept"]) == ([], [])


def test_what_somebody_else_changed_since_is_kept_and_told():
    facts = after(net__core__somaxconn="65535")
    way = back(residue.record(cluster(), STEP), facts)["node-1"]
    assert "somaxconn" not in str(way["ops"]) and len(way["kept"]) == 1
    assert "net.core.somaxconn is 65535" in way["kept"][0] and "it was 128 before" in way["kept"][0]
    unread = after()
    unread["hosts"][0]["facts"]["sysctl"]["net.core.somaxconn"] = None
    assert "could not be read" in back(residue.record(cluster(), STEP), unread)["node-1"]["kept"][0]


@pytest.mark.parametrize("was, now, ops, words", [
    ("noqueue", "fq", [{"kind": "qdisc", "device": "eth0", "discipline": "noqueue"}], None),
    ("htb", "fq", [], "cannot be made again"), ("fq_codel", "cake", [], "not what agents leave"), ("fq", "fq", [], None)])
def test_disciplines(was, now, ops, words):
    recorded = residue.record(cluster(devices=[nic(qdisc=was, queues=1)]), STEP)
    way = back(recorded, cluster(devices=[nic(qdisc=now, queues=1)]))["node-1"]
    assert way["ops"] == ops and (words is None and way["kept"] == [] or words in way["kept"][0])


def test_a_device_that_went_and_one_that_came_are_left_alone():
    recorded = residue.record(cluster(devices=[nic("eth0"), nic("eth1")]), STEP)
    way = back(recorded, cluster(devices=[nic("eth1"), nic("eth2", "fq")]))["node-1"]
    assert (way["ops"], way["kept"]) == ([], [])


def test_a_host_that_is_not_there_is_told_with_what_stays():
    recorded = residue.record(cluster(), STEP)
    told = back(recorded, after())["node-2"]
    assert told["ops"] == [] and "not in the inventory" in told["kept"][0] and "net.core.somaxconn" in told["kept"][0]
    gone = inventory.with_hosts(FACTS, {"a": {"unreachable": True, "msg": "refused"}})
    assert back(recorded, gone)["node-1"]["kept"] and back(recorded, gone)["node-1"]["ops"] == []
    late = residue.record(inventory.with_hosts(FACTS, {}), STEP)
    assert "before the step" in back(late, after())["node-1"]["kept"][0]


def test_what_a_driver_did_not_put_back_is_told():
    lro = {"rx-lro": True, "rx-gro-hw": False}
    recorded = residue.record(cluster(devices=[nic(offloads=lro, xdp={"attached": None})]), {**STEP, "tunings": ["xdp"]})
    now = cluster(devices=[nic(offloads={**lro, "rx-lro": False}, xdp={"attached": "native"})])
    way = back(recorded, now)["node-1"]
    assert way["ops"] == [] and len(way["kept"]) == 2 and "offloads.rx-lro of eth0 is false and was true" in way["kept"][0]
    unread = cluster(devices=[nic(offloads=None, xdp=None)])
    assert back(recorded, unread)["node-1"]["kept"] == []
    assert back(residue.record(unread, {**STEP, "tunings": ["xdp"]}), now)["node-1"]["kept"] == []


def test_every_sysctl_of_the_catalogue_is_one_that_is_put_back():
    """For each name and each value that agents may leave: another one before is restored."""
    for name, entry in catalog.load().items():
        for sysctl in entry.tuning.residue.sysctls if entry.tuning.residue else ():
            for theirs in sysctl.values:
                recorded = residue.record(cluster({sysctl.name: "former"}), {"tunings": [name], "nodes": ["node-1"]})
                way = back(recorded, cluster({sysctl.name: theirs}))["node-1"]
                assert {"kind": "value", "path": "/proc/sys/" + sysctl.name.replace(".", "/"), "value": "former"} in way["ops"]


@settings(deadline=None)
@given(junk, junk)
def test_garbage_is_no_exception(recorded, step):
    assert isinstance(residue.ways_back(recorded, cluster()), list)
    assert isinstance(residue.ways_back({"tunings": STEP["tunings"], "nodes": recorded}, cluster()), list)
    assert isinstance(residue.record(step, step), dict)
    broken = copy.deepcopy(cluster())
    broken["hosts"][0]["facts"].update(sysctl=step, devices=[step, {"name": "eth0", "queues": 1, "qdisc": step}])
    assert isinstance(residue.ways_back(residue.record(cluster(), STEP), broken), list)
    assert isinstance(residue.record(broken, STEP), dict)
