# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import groups, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed


def laid(tunings, *apart):
    return groups.lay_over(policy.parse(tunings), list(apart))


def group(tunings, nodes=("node-2",)):
    return {"nodes": list(nodes) if isinstance(nodes, tuple) else nodes, "tunings": tunings}


def test_a_group_lies_over_the_options_of_all():
    found = laid({"map_sizes": {"ratio": 0.08}}, group({"map_sizes": {"lb": 70000}}))["map_sizes"]
    assert found.everywhere and found.options["ratio"] == 0.08 and found.options["lb"] is None
    assert found.groups[0].options["ratio"] == 0.08 and found.groups[0].options["lb"] == 70000


def test_labels_all_have_to_fit():
    found = laid({"xdp": {}}, group({"xdp": False}, {"nic": "slow", "rack": "1"}))["xdp"].groups[0]
    assert found.options is None and found.selects("x", {"nic": "slow", "rack": "1"}) and not found.selects("x", {"nic": "slow"})


def test_what_a_group_needs_comes_with_it_for_its_nodes_alone_where_that_can_be():
    found = laid({}, group({"bbr": True}))
    assert {name for name, choice in found.items() if not choice.everywhere} == {"host_routing", "bandwidth_manager", "bbr"}
    assert {name for name, choice in found.items() if choice.everywhere} == {"kube_proxy_replacement", "ebpf_masquerade"}
    assert not found["bandwidth_manager"].selected and found["bbr"].selected
    assert list(found) == list(policy.parse({"bbr": {}}))


@pytest.mark.parametrize("apart, words", [
    ({"nodes": ["a"]}, "must be a list such as"),
    (["a"], "group 1 of fastpath_groups is a"),
    ([{"node": ["a"], "tunings": {"xdp": False}}], "did you mean nodes?"),
    ([{"nodes": "node-1", "tunings": {"xdp": False}}], "needs nodes"),
    ([{"nodes": {"rack": 1}, "tunings": {"xdp": False}}], "both text"),
    ([{"nodes": ["a"], "tunings": {}}], "needs tunings"),
    ([{"nodes": ["a"], "tunings": {"xpd": False}}], "did you mean xdp"),
    ([{"nodes": ["a"], "tunings": {"xdp": {"mode": "nativ"}}}], "did you mean native"),
    ([{"nodes": ["a"], "tunings": {"dsr": {"mode": "snat"}}}], "dsr, which must be alike on all nodes"),
    ([{"nodes": ["a"], "tunings": {"bbr": True, "bandwidth_manager": False}}], "leaves bandwidth_manager out, and bbr"),
])
def test_what_cannot_be_meant_is_one_sentence(apart, words):
    with pytest.raises(policy.PolicyError) as caught:
        groups.lay_over(policy.parse({"dsr": {}}), apart)
    assert words.lower() in str(caught.value).lower() and "\n" not in str(caught.value)


def test_groups_that_disagree_on_a_node_and_strangers_are_told():
    facts = mixed.cluster()
    twice = laid({"xdp": {}}, group({"xdp": False}), group({"xdp": {"mode": "disabled"}}, {"kubernetes.io/hostname": "host-node-2"}))
    with pytest.raises(policy.PolicyError, match="node-2 is in groups 1 and 2 of fastpath_groups, which disagree on xdp"):
        groups.check(twice, facts)
    with pytest.raises(policy.PolicyError, match="'node-22', which is no node; did you mean node-2"):
        groups.check(laid({"xdp": {}}, group({"xdp": False}, ("node-22",))), facts)
    groups.check(laid({"xdp": {}}, group({"xdp": False}), group({"xdp": False})), facts)
    groups.check(twice, {**facts, "nodes": None})


def test_a_group_whose_labels_no_node_has_is_told_and_not_refused():
    facts = mixed.cluster()
    chosen = laid({"xdp": {}}, group({"xdp": False}, {"rack": "9"}), group({"xdp": False}, {"kubernetes.io/hostname": "host-node-2"}))
    groups.check(chosen, facts)
    found = next(verdict for verdict in judge.judge(facts, chosen) if verdict["tuning"] == "xdp")
    assert [note for note in found["notes"] if "group" in note] == ["No node has the labels of group 1 of fastpath_groups (rack=9)."]
    assert list(groups.without_nodes(View({**facts, "nodes": None}), chosen["xdp"].groups)) == []


def test_tunings_of_hosts_are_in_no_group():
    with pytest.raises(policy.PolicyError, match="irq_affinity, which is a matter of the hosts: set it in fastpath_tunings"):
        groups.lay_over(policy.parse({"dsr": {}}), [{"nodes": ["a"], "tunings": {"irq_affinity": True}}])
