# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import yaml_values
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Garbled


def test_what_is_written_is_read_again_in_its_order():
    values = {"b": True, "a": {"text": "yes", "number": 5, "share": 0.0025, "none": None, "list": [1, "2", {"x": "on"}]},
              "script": "one\ntwo\n", "empty": {}}
    text = yaml_values.write(values)
    assert yaml_values.read(text, "it") == values and list(yaml_values.read(text, "it")) == list(values)


@pytest.mark.parametrize("value", ["1e3", "0o17", ".5", "1_000", "11:22", "2020-01-01", "+5", "0x1f", "1.", "-.inf"])
def test_what_helm_could_take_for_a_number_is_quoted(value):
    assert yaml_values.write({"a": value}) == 'a: "{0}"\n'.format(value)


def test_nothing_is_an_empty_text_and_the_other_way_round():
    assert yaml_values.write({}) == "" and yaml_values.read("", "it") == {} == yaml_values.read("# only a comment\n", "it")


def test_what_stands_twice_is_written_twice():
    shared = {"x": 1}
    assert "&" not in yaml_values.write({"a": shared, "b": shared})


@pytest.mark.parametrize("text", ["a: [", "- a\n", "just words", "a: b: c"])
def test_no_values_are_told_as_such(text):
    with pytest.raises(Garbled, match="^spec.valuesContent "):
        yaml_values.read(text, "spec.valuesContent")
