# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Entry, FreeText, Need, Number, Option, Phase, Risk, Tuning)


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
     {"native_routing": {"routes": "auto", "cidr": None, "cidr_v6": None}, "dsr": {"mode": "snat", "dispatch": "opt"}}),
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
    ({"native_routing": {"cidr": "10.0.0.1/8"}}, "the range of all pods' IPv4 addresses, for example 10.0.0.0/8"),
    ({"dsr": "hybrid"}, "must be true, false or a mapping"),
    ({"host_routing": {"mode": "x"}}, "it has none"),
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


def entry_of(name, **more):
    given = {"phase": Phase.ROUTING, "risk": Risk.NONE, **more}
    return Entry(Tuning(id=name, title=name, reason="r", undo="u", stages=(), **given), "")


FAST = {found.tuning.id: found for found in (
    entry_of("base"),
    entry_of("quick", profiles={"max": {"size": 7}}, options=(Number("size", 1, 10),), needs=(Need("base"),)),
    entry_of("other", excludes=("quick",)),
)}


def chosen(tunings, profile):
    return {name: (dict(choice.options), choice.selected, choice.named)
            for name, choice in policy.parse(tunings, FAST, profile).items()}


def test_a_profile_brings_in_its_members_with_their_options_and_what_they_need():
    assert chosen(None, "max") == {"base": ({}, False, False), "quick": ({"size": 7}, True, False)}
    assert chosen(None, "latency") == {}


def test_tunings_are_laid_over_a_profile():
    assert chosen({"quick": False}, "max") == {}
    assert chosen({"quick": {"size": 3}}, "max") == {"base": ({}, False, True), "quick": ({"size": 3}, True, True)}
    assert chosen({"other": True}, "max") == {"other": ({}, True, True)}, "what a profile has gives way to what is named"


def test_what_something_named_needs_counts_as_named():
    known = {**FAST, "third": entry_of("third", needs=(Need("quick"),))}
    found = policy.parse({"third": True}, known, "max")
    assert {name: choice.named for name, choice in found.items()} == {"base": True, "quick": True, "third": True}


def test_an_unknown_profile_is_refused_with_a_near_name():
    with pytest.raises(policy.PolicyError, match="did you mean recommended"):
        policy.parse(None, FAST, "recomended")


@pytest.mark.parametrize("given, wanted", [({}, None), ({"size": None}, None), ({"size": 3}, 3), ({"size": "3"}, 3), ({"size": 3.0}, 3)])
def test_numbers_are_taken_as_numbers_or_as_their_text(given, wanted):
    assert policy.parse({"quick": given}, FAST)["quick"].options == {"size": wanted}


SIZED = {"sized": entry_of("sized", options=(Option("size", (251, 16381, 65521), 16381),))}


@pytest.mark.parametrize("given, wanted", [
    ({}, 16381), ({"size": 65521}, 65521), ({"size": "16381"}, 16381), ({"size": "251"}, 251)])
def test_words_that_are_whole_numbers_are_taken_as_numbers_or_as_their_text_and_stay_numbers(given, wanted):
    found = policy.parse({"sized": given}, SIZED)["sized"].options["size"]
    assert found == wanted and found.__class__ is int


@pytest.mark.parametrize("value, words", [
    (16384, "did you mean 16381"), ("16382", "did you mean 16381"), (7, "known are: 251, 16381, 65521."),
    (None, "known are"), (True, "known are"), (16381.0, "did you mean 16381"), ("16381.0", "did you mean 16381"),
    (" 16381", "did you mean 16381"),
    ([16381], "did you mean 16381"), ({}, "known are")])
def test_other_numbers_are_refused_with_near_ones(value, words):
    with pytest.raises(policy.PolicyError) as caught:
        policy.parse({"sized": {"size": value}}, SIZED)
    assert "fastpath_tunings.sized.size" in str(caught.value) and words in str(caught.value)


def test_what_is_refused_with_a_reason_is_named_though_other_words_are_numbers():
    option = Option("size", (251, "auto"), "auto", refused={"all": "it takes all memory"})
    known = {"sized": entry_of("sized", options=(option,))}
    with pytest.raises(policy.PolicyError, match="which is not taken: it takes all memory; known are: 251, auto."):
        policy.parse({"sized": {"size": "all"}}, known)
    assert policy.parse({"sized": {"size": "251"}}, known)["sized"].options == {"size": 251}


@pytest.mark.parametrize("value", [0, 11, 2.5, "x", True, [3], float("nan"), "inf", "9" * 400])
def test_numbers_out_of_bounds_are_refused_with_the_bounds(value):
    with pytest.raises(policy.PolicyError, match="it takes a whole number from 1 to 10"):
        policy.parse({"quick": {"size": value}}, FAST)


def even(text):
    return text.strip().lower() if len(text) % 2 == 0 else None


FREE = {"free": entry_of("free", options=(FreeText("word", "an even word", "even", even),))}


@pytest.mark.parametrize("given, wanted", [({}, None), ({"word": None}, None), ({"word": "EVEN"}, "even")])
def test_free_text_is_taken_in_its_usual_spelling(given, wanted):
    assert policy.parse({"free": given}, FREE)["free"].options == {"word": wanted}


@pytest.mark.parametrize("word", ["odd", 12, True, ["even"], {"a": 1}])
def test_free_text_that_cannot_be_meant_is_refused_with_an_example(word):
    with pytest.raises(policy.PolicyError, match="free.word is .*it takes an even word, for example even[.]"):
        policy.parse({"free": {"word": word}}, FREE)


def test_one_policy_names_tunings_of_the_cluster_and_of_hosts():
    chosen = policy.parse({"irq_affinity": True, "dsr": {}})
    assert list(policy.of_hosts(chosen)) == ["irq_affinity"] and "dsr" in policy.of_cluster(chosen)
    assert policy.of_cluster(chosen).keys() | policy.of_hosts(chosen).keys() == chosen.keys()
    assert {"cpu_performance", "monitor_aggregation"} <= policy.parse(profile="throughput").keys()
    with pytest.raises(policy.PolicyError, match="did you mean irq_affinity"):
        policy.parse({"irq_afinity": True})
    assert policy.acknowledged(["jumbo_mtu"]) == {"jumbo_mtu"}
