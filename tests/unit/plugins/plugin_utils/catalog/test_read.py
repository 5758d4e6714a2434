# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read


@pytest.mark.parametrize("values, path, found", [
    ({"a": {"b": 1}}, "a.b", (1, None)),
    ({"a": {"b": False}}, "a.b", (False, None)),
    ({}, "a.b", (None, None)),
    ({"a": None}, "a.b", (None, None)),
    ({"a": "text"}, "a.b", (None, "a")),
    ({"a": {"b": []}}, "a.b.c", (None, "a.b")),
    ({"a": {"b": HIDDEN}}, "a.b", (None, "a.b")),
])
def test_a_value_or_what_stands_in_its_way(values, path, found):
    assert read.nested(values, path) == found


@pytest.mark.parametrize("selector, fits", [
    ({"matchLabels": {"role": "edge"}}, True), ({"matchLabels": {"role": "core"}}, False), ({"role": "edge"}, True),
    ({"role": "core"}, False), ({}, True), (None, True), ("garbage", True),
    ({"matchExpressions": [{"key": "role", "operator": "In", "values": ["edge"]}]}, True),
    ({"matchExpressions": [{"key": "role", "operator": "NotIn", "values": ["edge"]}]}, False),
    ({"matchExpressions": [{"key": "role", "operator": "Exists"}]}, True),
    ({"matchExpressions": [{"key": "role", "operator": "DoesNotExist"}]}, False),
    ({"matchExpressions": [{"key": "role", "operator": "Near"}, "garbage"]}, True),
    ({"matchLabels": {"role": "edge"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
])
def test_selectors(selector, fits):
    assert read.selects(selector, {"role": "edge"}) is fits


def test_nodes_are_in_natural_order_and_abbreviated():
    assert sorted(["n10", "n2", "n1", "a", "n1b"], key=read.natural) == ["a", "n1", "n1b", "n2", "n10"]
    assert read.name_nodes([f"n{number}" for number in range(12, 0, -1)]) == "n1, n2, n3, n4, n5 and 7 more"
    assert read.name_nodes(["evil\x1b[2Jnode\n"]) == "evilnode"


def test_digits_of_other_scripts_and_endless_numbers_do_not_break_the_order():
    assert sorted(["n\u00b2", "n" + "9" * 5000, "\u0664"], key=read.natural)


@pytest.mark.parametrize("value", [{"a": 1}, {1: "a"}, {"a": None}, [], "text", None])
def test_data_of_a_config_map_is_text_throughout(value):
    assert read.strings(value) is None
