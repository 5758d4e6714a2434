# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import disturbed

STEP = {"nodes": ["node-1"], "disturbs": ["irq_affinity", "jumbo_mtu", "tuned_profile"]}
junk = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["devices", "name", "irqs", "xps", "queues", "mtu", "sysctl", "tuned", "x"]), inner, max_size=4))


def nic(**more):
    return {"name": "eth0", "mtu": 9000, "queues": {"rx": 2, "tx": 2}, "xps": {"0": [0], "1": [1]},
            "irqs": [{"irq": 30, "name": "eth0-0", "affinity": [0]}, {"irq": 31, "name": "eth0-1", "affinity": [1]}], **more}


def hosts(device=None, **facts):
    return [{"host": "a", "node": "node-1", "problem": None, "facts": {"schema": 1, "devices": [device or nic()], **facts}}]


def lost(before, after, step=None):
    return disturbed.lost(before, {"schema": 1, "hosts": after}, STEP if step is None else step)


def test_nothing_changed_is_nothing_lost_and_other_nodes_are_not_asked():
    assert lost(hosts(), hosts()) == {}
    assert lost(hosts(), hosts(nic(mtu=1500)), {**STEP, "nodes": ["node-2"]}) == {}
    assert lost(hosts(), hosts(nic(mtu=1500)), {**STEP, "disturbs": []}) == {}


@pytest.mark.parametrize("device, words", [
    (nic(queues={"rx": 4, "tx": 4}, irqs=[]), "irq_affinity: eth0 has 4 receive and 4 transmit queues instead of 2"),
    (nic(irqs=[{"irq": 40, "name": "eth0-0", "affinity": [0, 1]}, {"irq": 41, "name": "eth0-1", "affinity": [1]}]),
     "interrupts of eth0 go to other CPUs than before (eth0-0)"),
    (nic(xps={"0": [], "1": []}), "queues to send (XPS) of eth0 go to other CPUs than before (queue 0, queue 1)"),
    (nic(mtu=1500), "jumbo_mtu: eth0 has an MTU of 1500 instead of 9000"),
])
def test_what_a_driver_reset_is_told(device, words):
    sentence, = lost(hosts(), hosts(device))["node-1"]
    assert words in sentence


def test_interrupts_with_new_numbers_and_the_old_places_are_nothing_lost():
    moved = [{"irq": 50 + number, "name": f"eth0-{number}", "affinity": [number]} for number in range(2)]
    assert lost(hosts(), hosts(nic(irqs=moved))) == {}


def test_sysctls_of_a_tuned_profile():
    tuned = {"tuned": {"active_profile": "network-throughput"}}
    before = hosts(sysctl={"net.core.somaxconn": "2048", "net.core.rmem_max": "1"}, **tuned)
    after = hosts(sysctl={"net.core.somaxconn": "4096", "net.core.rmem_max": "1"}, **tuned)
    sentence, = lost(before, after)["node-1"]
    assert "net.core.somaxconn is 4096 and was 2048" in sentence and "network-throughput" in sentence
    after[0]["facts"]["tuned"] = {"active_profile": None}
    assert lost(before, after) == {}


def test_a_host_that_could_not_be_read_is_not_guessed():
    unread = [{"host": "a", "node": None, "problem": "no", "facts": None}]
    assert lost(hosts(), unread) == {} and lost(unread, hosts()) == {} and lost(None, hosts()) == {}
    assert lost(hosts(), hosts(nic(irqs=None, xps=None, mtu=None))) == {}


def test_all_that_the_catalogue_disturbs_is_looked_at():
    named = {name for entry in catalog.load().values() for name in entry.tuning.disturbs}
    assert named and named <= set(disturbed.LOOKED_AT)


@settings(deadline=None)
@given(junk, junk)
def test_garbage_is_no_exception(one, other):
    assert isinstance(lost(one, other), dict)

    def whole(part):
        return [{"host": "a", "node": "node-1", "facts": {"schema": 1, "devices": [part, {"name": "eth0", "irqs": part, "xps": part,
                "queues": part}], "sysctl": part, "tuned": {"active_profile": "x"}}}]
    assert isinstance(lost(whole(one), whole(other)), dict)
