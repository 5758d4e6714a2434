# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import (
    BadPath, changed_values, lookup, same, split_path, touches, with_changes)

KEYS = st.sampled_from(["a", "b", "c", "d.e"])
LEAVES = st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "true", "1"])
VALUES = st.recursive(st.dictionaries(KEYS, LEAVES, max_size=3),
                      lambda inner: st.dictionaries(KEYS, inner.filter(bool) | LEAVES, max_size=3), max_leaves=6)


def test_a_dot_in_a_key_is_escaped():
    assert split_path(r"extraConfig.a\.b.c") == ["extraConfig", "a.b", "c"]
    assert split_path("extraConfig.bpf-lb-service-map-max") == ["extraConfig", "bpf-lb-service-map-max"]


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_a_path_with_a_hole_is_refused(path):
    with pytest.raises(BadPath, match="no path of a Helm value"):
        split_path(path)


def test_types_are_kept_and_the_given_values_untouched():
    former = {"loadBalancer": {"algorithm": "maglev"}}
    given_list = [1]
    new = with_changes(former,
                       {"loadBalancer.mode": "dsr", "MTU": 9000, "bpf.ratio": 0.08, "debug.enabled": False,
                        "l": given_list})
    given_list.append(2)
    assert new == {"loadBalancer": {"algorithm": "maglev", "mode": "dsr"}, "MTU": 9000, "bpf": {"ratio": 0.08},
                   "debug": {"enabled": False}, "l": [1]}
    assert former == {"loadBalancer": {"algorithm": "maglev"}}


def test_null_removes_what_the_user_set_and_what_became_empty():
    values = {"loadBalancer": {"mode": "dsr"}, "keep": {}, "updateStrategy": {"rollingUpdate": None}}
    assert with_changes(values, {"loadBalancer.mode": None, "keep.nothing": None, "not.there": None}) == {
        "keep": {}, "updateStrategy": {"rollingUpdate": None}}


@pytest.mark.parametrize("held", ["vxlan", ["x"], None, 5])
def test_a_path_through_something_else_than_a_mapping_is_refused(held):
    with pytest.raises(BadPath, match="no mapping at tunnel"):
        with_changes({"tunnel": held}, {"tunnel.mode": "x"})
    assert with_changes({"tunnel": held}, {"tunnel.mode": None}) == {"tunnel": held}


@given(VALUES, KEYS, KEYS, LEAVES)
def test_setting_and_undoing_gives_the_former_values_back(values, top, below, leaf):
    path = "{0}.{1}".format(top.replace(".", "\\."), below.replace(".", "\\."))
    if not isinstance(values.get(top, {}), dict):
        return
    was_set, former = lookup(values, path)
    before = copy.deepcopy(values)
    new = with_changes(values, {path: leaf})
    assert lookup(new, path) == (True, leaf)
    undone = with_changes(new, {path: former if was_set else None})
    assert undone == before or (values.get(top) == {} and undone == {k: v for k, v in before.items() if k != top})


@pytest.mark.parametrize("one, other, equal", [
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ({"a": True}, {"a": 1}, False), ({"a": "1"}, {"a": 1}, False),
    ({"a": 5.0}, {"a": 5}, True), ({"a": 0.5}, {"a": 0.25}, False), ({"a": None}, {}, False), ([1, 2], [2, 1], False)])
def test_equality_is_helms(one, other, equal):
    assert same(one, other) is equal


def test_changes_are_listed_by_path_with_secrets_hidden():
    former = {"a": {"mode": "snat", "same": 1}, "password": "one", "x.y": {"gone": [1]}}
    new = {"a": {"mode": "dsr", "same": 1}, "password": "two", "n": {"flag": True}, "u": None}
    assert changed_values(former, new) == [
        {"path": "a.mode", "former": "snat", "value": "dsr"}, {"path": "n.flag", "former": None, "value": True},
        {"path": "password", "former": "<hidden>", "value": "<hidden>"},
        {"path": "x\\.y.gone", "former": [1], "value": None}]


def test_true_to_one_is_a_change():
    assert changed_values({"a": True}, {"a": 1}) == [{"path": "a", "former": True, "value": 1}]


def test_touches_looks_at_the_first_key_alone():
    assert touches({"updateStrategy.type": "OnDelete"}, "updateStrategy") and touches({"updateStrategy": None},
                                                                                      "updateStrategy")
    assert not touches({"envoy.updateStrategy.type": "OnDelete"}, "updateStrategy")
