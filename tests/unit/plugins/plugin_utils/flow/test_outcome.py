# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import outcome


def entry(state, **more):
    return {"state": state, **more}


@pytest.mark.parametrize("blocked, left_out, steps, word", [
    ([], [], [], "in_line"), ([], [], ["a step"], "drift"),
    ([entry("BLOCKED"), entry("UNKNOWN")], [], ["a step"], "blocked"), ([entry("UNKNOWN")], [], ["a step"], "unknown"),
    ([], [entry("DRIFT")], [], "drift"), ([], [entry("UNKNOWN")], [], "unknown"), ([], [entry("UNKNOWN")], ["a step"], "drift"),
    ([], [entry("UNKNOWN", applies=False), entry("DRIFT", applies=False)], [], "in_line"), ([], [entry("BLOCKED")], [], "in_line"),
])
def test_the_outcome_is_what_the_worst_comes_to(blocked, left_out, steps, word):
    assert outcome.outcome(blocked, left_out, steps) == word


def test_what_is_named_is_told_apart_from_what_a_profile_brings():
    chosen = policy.parse({"maglev": {}}, profile="latency")
    named, of_profile = outcome.held_back({"maglev": entry("BLOCKED", reason="why", way_out=None)}, chosen, lambda *_given: False)
    assert [found["tuning"] for found in named] == ["maglev"] and named[0]["reason"] == "why"
    assert of_profile and all(found["reason"] == "It was not judged." for found in of_profile)
    assert outcome.held_back({}, chosen, lambda *_given: True) == ([], [])
