# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.hosts import match


def boot(number: int) -> str:
    return f"{number:08x}-86f4-4b44-bb7c-6f7ea2b4f6a5"


def nodes(*numbers: int | None) -> list[dict[str, Any]]:
    """node-1 has the first boot ID, and so on."""
    return [{"name": f"node-{place}", "boot_id": number and boot(number)} for place, number in enumerate(numbers, 1)]


def hosts(**numbers: int | None) -> dict[str, Any]:
    return {name: {"hostname": "same-everywhere", "boot_id": number and boot(number)} for name, number in numbers.items()}


def test_names_mean_nothing() -> None:
    found = match(nodes(1, 2, 10), hosts(bastion_name=2, rack_7=10, x=1))
    assert found["hosts"] == {"node-1": "x", "node-2": "bastion_name", "node-3": "rack_7"}
    assert found["without_node"] == found["without_host"] == {}


def test_capital_letters_do_not_matter() -> None:
    upper = {"a": {"boot_id": boot(0xABC).upper()}}
    assert match(nodes(0xABC), upper)["hosts"] == {"node-1": "a"}


def test_hosts_and_nodes_that_stand_alone_are_told() -> None:
    found = match(nodes(1, 2), hosts(a=1, b=3))
    assert found["hosts"] == {"node-1": "a"}
    assert "No node of this cluster" in found["without_node"]["b"]
    assert "No host of the inventory" in found["without_host"]["node-2"]


def test_one_machine_by_two_names_is_nobodys() -> None:
    found = match(nodes(1, 2), hosts(a=1, alias=1, b=2))
    assert found["hosts"] == {"node-2": "b"}
    assert "alias" in found["without_node"]["a"] and "a:" in found["without_node"]["alias"]
    assert "More than one host" in found["without_host"]["node-1"]


def test_cloned_nodes_are_nobodys() -> None:
    found = match(nodes(1, 1, 2), hosts(a=1, b=2))
    assert found["hosts"] == {"node-3": "b"}
    assert "node-2" in found["without_host"]["node-1"] and "more than one node" in found["without_node"]["a"]


def test_what_has_no_boot_id_is_told() -> None:
    found = match(nodes(None, 2), hosts(a=None, b=2))
    assert found["hosts"] == {"node-2": "b"}
    assert "could not be read" in found["without_node"]["a"] and "virtual node" in found["without_host"]["node-1"]


def test_two_without_a_boot_id_are_no_pair_and_no_clones() -> None:
    found = match(nodes(None, None), hosts(a=None, b=None))
    assert found["hosts"] == {} and not any("same boot ID" in reason for reason in found["without_node"].values())


def test_natural_order() -> None:
    found = match(nodes(*range(1, 13)), {})
    assert list(found["without_host"])[:3] == ["node-1", "node-2", "node-3"] and list(found["without_host"])[-1] == "node-12"


@pytest.mark.parametrize("garbage", [
    None, 4, "x", [], {}, [None, {"name": 4}, {"name": "n", "boot_id": "none"}], {"a": None, "b": []}])
def test_garbage_never_raises(garbage: Any) -> None:
    assert match(garbage, garbage)["hosts"] == {}
    assert match(nodes(1), garbage)["hosts"] == {} == match(garbage, hosts(a=1))["hosts"]


NUMBERS = st.one_of(st.none(), st.integers(1, 6))


@settings(max_examples=200, deadline=None)
@given(st.lists(NUMBERS, max_size=8), st.lists(NUMBERS, max_size=8))
def test_everybody_is_told_of_once(of_nodes: list[int | None], of_hosts: list[int | None]) -> None:
    given_nodes, given_hosts = nodes(*of_nodes), hosts(**{f"h{place}": number for place, number in enumerate(of_hosts)})
    found = match(given_nodes, given_hosts)
    assert found["hosts"].keys() | found["without_host"].keys() == {node["name"] for node in given_nodes}
    assert not found["hosts"].keys() & found["without_host"].keys()
    assert set(found["hosts"].values()) | found["without_node"].keys() == given_hosts.keys()
    assert len(set(found["hosts"].values())) == len(found["hosts"])
    for node, host in found["hosts"].items():
        number = of_nodes[int(node[5:]) - 1]
        assert number and of_hosts[int(host[1:])] == number and of_nodes.count(number) == of_hosts.count(number) == 1


def test_five_thousand_nodes_take_no_time() -> None:
    began = time.process_time()
    found = match(nodes(*range(1, 5001)), hosts(**{f"h{number}": number for number in range(1, 5001)}))
    assert len(found["hosts"]) == 5000 and time.process_time() - began < 5
