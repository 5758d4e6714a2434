# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host.stack import kind_of, reals


@pytest.mark.parametrize("kind, arguments", [
    ("bond", ("bond", 1, False, False)), ("macvlan", ("macvtap", 1, False, False)), ("physical", (None, 1, True, False)),
    ("vf", (None, 1, True, True)), ("loopback", (None, 772, False, False)), ("virtual", ("vxlan", 1, False, False)),
    ("other", (None, 1, False, False)), ("veth", ("veth", 1, False, False)), ("netkit", ("netkit", 1, False, False))])
def test_kinds(kind, arguments):
    assert kind_of(*arguments) == kind


def test_down_to_the_real_devices():
    lowers = {"bond0.100": ["bond0"], "bond0": ["eth1", "eth0"], "br0": ["veth0"]}
    kinds = {"eth0": "physical", "eth1": "vf", "bond0": "bond", "bond0.100": "vlan", "br0": "bridge", "veth0": "veth"}
    assert reals("bond0.100", lowers, kinds) == ["eth0", "eth1"] and reals("eth0", lowers, kinds) == ["eth0"]
    assert reals("br0", lowers, kinds) == [] and reals("nosuch", lowers, kinds) == []


def test_a_synthetic_device_and_its_function_are_both_real():
    assert reals("eth0", {"eth0": ["enP1s1"]}, {"eth0": "physical", "enP1s1": "vf"}) == ["enP1s1", "eth0"]


def test_circles_end():
    assert reals("a", {"a": ["b"], "b": ["a"]}, {"a": "bond", "b": "physical"}) == ["b"]
