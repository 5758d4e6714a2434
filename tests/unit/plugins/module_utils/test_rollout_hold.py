# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.rollout_hold import (
    held, hold_required, outdated, restored, strategy_of, without_nulls)


def daemonset(image="a", strategy="RollingUpdate", desired=3, updated=3, observed=1):
    return {"metadata": {"generation": 1}, "spec": {"updateStrategy": {"type": strategy}, "template": {"image": image}},
            "status": {"desiredNumberScheduled": desired, "updatedNumberScheduled": updated,
                       "observedGeneration": observed}}


# stored, rendered, live, applied -> hold
CASES = {
    "nothing of the template changes": (daemonset(), daemonset(), daemonset(), daemonset(), False),
    "the template changes": (daemonset(), daemonset("b"), daemonset(), daemonset("b"), True),
    "a field only vanishes, which the API's merge does not show": (daemonset("b"), daemonset(), daemonset("b"),
                                                                   daemonset("b"), True),
    "a live edit of the template would be taken back": (daemonset(), daemonset(), daemonset("edited"), daemonset(),
                                                        True),
    "the user rolls by himself": (daemonset(strategy="OnDelete"), daemonset("b", "OnDelete"), daemonset(),
                                  daemonset("b"), False),
    "the hold ends with all agents restarted": (daemonset("b", "OnDelete"), daemonset("b"), daemonset("b", "OnDelete"),
                                                daemonset("b"), False),
    "the hold would end too early": (daemonset("b", "OnDelete"), daemonset("b"), daemonset("b", "OnDelete", updated=2),
                                     daemonset("b"), True),
    "the controller has not looked yet": (daemonset("b", "OnDelete"), daemonset("b"),
                                          daemonset("b", "OnDelete", observed=0), daemonset("b"), True),
    "the controller rolls already by itself": (daemonset(), daemonset(), daemonset(updated=1), daemonset(), False),
    "no DaemonSet to come": (daemonset(), None, daemonset(), None, False),
    "no DaemonSet there": (daemonset(), daemonset("b"), None, None, False),
    "none stored": (None, daemonset(), daemonset(), daemonset(), True),
}


@pytest.mark.parametrize("name", CASES)
def test_hold_required(name):
    *documents, expected = CASES[name]
    assert hold_required(*documents) is expected


def test_a_strategy_that_is_not_written_is_rolling_update():
    assert strategy_of({"spec": {}}) == strategy_of({}) == "RollingUpdate"
    assert strategy_of({"spec": {"updateStrategy": None}}) == "RollingUpdate"


def test_outdated_counts_agents_or_says_unknown():
    assert outdated(daemonset(updated=1)) == 2 and outdated(daemonset()) == 0 and outdated(daemonset(observed=0)) == -1


@pytest.mark.parametrize("former", [
    {}, {"updateStrategy": None}, {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}},
    {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "10%"}}, "a": 1}])
def test_a_hold_and_its_release_give_the_former_values_back(former):
    before = copy.deepcopy(former)
    during = held(former)
    assert during["updateStrategy"] == {"type": "OnDelete", "rollingUpdate": None} and former == before
    assert restored(during, former) == before
    assert restored(dict(during, mode="dsr"), former) == dict(before, mode="dsr")


def test_null_is_nothing_in_a_patch():
    assert without_nulls({"a": None, "b": [{"c": None, "d": 1}], "e": {"f": None}}) == {"b": [{"d": 1}], "e": {}}
