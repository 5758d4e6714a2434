# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Either, Has, OneOf, Opt, Phase, Risk, State, accepts, matches, plain, resolve)


def test_risks_are_ordered_and_have_the_words_of_the_plan():
    assert [risk.word for risk in sorted(Risk)] == [
        "none", "agent_restart", "pods_recreated", "network_blip", "connections_lost", "reboot"]
    assert sorted(Phase)[0].word == "routing" and str(State.NOT_APPLICABLE) == "NOT_APPLICABLE"


@pytest.mark.parametrize("wanted, found, fine", [
    ("dsr", "dsr", True), ("dsr", "snat", False), ("dsr", None, False), (True, True, True), (True, "true", False),
    (True, 1, False), (False, 0, False), (OneOf(("true", "strict")), "strict", True), (OneOf(("true",)), ["true"], False),
    (OneOf((True, "strict")), True, True), (OneOf((True, "strict")), 1, False), (OneOf(("1", 1)), 1, True),
    (Has("a"), ["b", "a"], True), (Has("a"), ["b"], False), (Has("a"), "a", False), (Has("a"), None, False),
])
def test_what_is_accepted(wanted, found, fine):
    assert accepts(wanted, found) is fine


def test_documents_hold_plain_values():
    assert [plain(wanted) for wanted in ("dsr", OneOf(("true", "strict")), Has("a"), False)] == ["dsr", "true", ["a"], False]


def test_options_are_put_in_and_matched():
    options = {"mode": "dsr"}
    assert resolve(Opt("mode"), options) == "dsr" and resolve("x", options) == "x"
    assert resolve(Either("port"), {"port": 6443}) == OneOf(("6443", 6443)) and resolve(Either("port"), {"port": None}) is None
    assert matches({}, options) and matches({"mode": ("dsr", "hybrid")}, options) and not matches({"mode": ("snat",)}, options)
