# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Entry, Phase, Risk, Tuning


def parse(tunings):
    return policy.parse(tunings)


def options(tunings):
    return {name: dict(choice.options) for name, choice in parse(tunings).items() if choice.selected}


@pytest.mark.parametrize("given, wanted", [
    (None, {"dsr": {"mode": "dsr", "dispatch": "opt"}}),
    ({"dsr": True}, {"dsr": {"mode": "dsr", "dispatch": "opt"}}),
    ({"dsr": {}}, {"dsr": {"mode": "dsr", "dispatch": "opt"}}),
    ({"dsr": None}, {"dsr": {"mode": "dsr", "dispatch": "opt"}}),
    ({"dsr": {"mode": "hybrid"}}, {"dsr": {"mode": "hybrid", "dispatch": "opt"}}),
    ({"dsr": False}, {}),
    ({}, {}),
    ({"native_routing": True, "dsr": {"mode": "snat"}},
     {"native_routing": {}, "dsr": {"mode": "snat", "dispatch": "opt"}}),
])
def test_options_are_resolved(given, wanted):
    assert options(given) == wanted


@pytest.mark.parametrize("given, judged", [
    ({"dsr": {}}, ["native_routing", "kube_proxy_replacement", "dsr"]),
    ({"dsr": {"dispatch": "geneve"}}, ["kube_proxy_replacement", "dsr"]),
    ({"dsr": {"mode": "snat"}}, ["dsr"]),
])
def test_what_is_needed_is_judged_with_it_in_the_order_of_application(given, judged):
    found = parse(given)
    assert list(found) == judged
    assert [name for name, choice in found.items() if choice.selected] == ["dsr"]


@pytest.mark.parametrize("given, words", [
    ({"drs": {}}, "did you mean dsr"),
    ({"native-routing": {}}, "did you mean native_routing"),
    ({"zzzzzz": {}}, "known are: "),
    ({"dsr": {"moed": "dsr"}}, "did you mean mode"),
    ({"dsr": {"mode": "hybird"}}, "did you mean hybrid"),
    ({"dsr": {"mode": "DSR"}}, "did you mean dsr"),
    ({"dsr": {"mode": True}}, "known are"),
    ({"dsr": {"mode": ["dsr"]}}, "did you mean dsr"),
    ({"dsr": {"dispatch": "ipip"}}, "which is not taken"),
    ({"dsr": "hybrid"}, "must be true, false or a mapping"),
    ({"native_routing": {"mode": "x"}}, "it has none"),
    ("dsr", "must be a mapping"),
    ([], "must be a mapping"),
    ({1: {}}, "is no tuning"),
    ({"\x1b[31mdsr\n": {}}, "did you mean dsr"),
])
def test_what_cannot_be_meant_is_one_clear_sentence(given, words):
    with pytest.raises(policy.PolicyError) as caught:
        parse(given)
    message = str(caught.value)
    assert words in message and "fastpath_tunings" in message
    assert message.isprintable() and message.endswith((".", "?"))


def test_acknowledging_takes_known_names_only():
    assert policy.acknowledged(["dsr"]) == {"dsr"} and policy.acknowledged(None) == frozenset()
    for given in (["drs"], "dsr", [["dsr"]]):
        with pytest.raises(policy.PolicyError, match="fastpath_acknowledge"):
            policy.acknowledged(given)


def test_tunings_that_exclude_each_other_are_refused():
    def entry(name, **more):
        return Entry(Tuning(name, name, Phase.ROUTING, Risk.NONE, "r", "u", (), **more), "")
    known = {"one": entry("one", excludes=("two",)), "two": entry("two")}
    with pytest.raises(policy.PolicyError, match="exclude each other"):
        policy.parse({"one": True, "two": True}, known)
    assert list(policy.parse({"one": True, "two": False}, known)) == ["one"]


@pytest.mark.parametrize("risk, needed", [(Risk.NETWORK_BLIP, False), (Risk.CONNECTIONS_LOST, True), (Risk.REBOOT, True)])
def test_risks_from_lost_connections_on_need_a_word(risk, needed):
    assert policy.must_be_acknowledged(risk) is needed


def test_the_default_policy_is_made_of_default_options():
    for name, given in policy.DEFAULT.items():
        assert given == {option.name: option.default for option in catalog.load()[name].tuning.options}
