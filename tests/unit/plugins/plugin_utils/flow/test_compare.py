# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Live, Opt, Stage, Want
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import compare
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

OPTIONS = {"mode": "dsr"}
STAGE = Stage(
    "on",
    wants=(
        Want({"a.b": Opt("mode")}, {"a-b": Opt("mode")}),
        Want({"new": True}, {"new": "true"}, since="1.14"),
        Want({"old": True}, {"old": "true"}, until="1.13"),
        Want({"never": True}, {}, when={"mode": ("snat",)}),
    ),
    live=(
        Live("nodeport_mode", Opt("mode"), config=("a-b",)),
        Live("dsr_dispatch", "opt", since="1.15", config=("new",), certain_until="1.13"),
    ),
)


def compared(facts, absent=None):
    view = View(facts)
    return compare.compare(view, compare.wanted(view, STAGE, OPTIONS), absent or {})


@pytest.mark.parametrize("fixture, values, printed", [
    ("1.13.4-snat-native", {"a.b": "dsr", "old": True}, {"nodeport_mode"}),
    ("1.16.19-snat-native", {"a.b": "dsr", "new": True}, {"nodeport_mode", "dsr_dispatch"}),
    ("1.16.19-no-release", {}, {"nodeport_mode", "dsr_dispatch"}),
])
def test_what_is_wanted_follows_chart_agents_and_options(fixture, values, printed):
    want = compare.wanted(View(model.load(fixture)), STAGE, OPTIONS)
    assert dict(want.values) == values and {live.key for live in want.printed} == printed
    assert want.document()["config"]["a-b"] == "dsr" and want.document()["live"]["nodeport_mode"] == "dsr"


def test_every_place_is_compared():
    found = compared(model.load("1.13.4-snat-native"))
    assert found.values == {"a.b": None, "old": None} and found.config == {"a-b": None, "old": None}
    assert found.running == {node: {"nodeport_mode": "snat"} for node in ("node-1", "node-2", "node-3")}
    assert found.pending == set() and found.unclear == {}


def test_what_is_missing_means_its_default():
    facts = model.load("1.13.4-dsr-native")
    found = compared(facts, {"a.b": "dsr", "a-b": "dsr", "old": True})
    assert found.values == {} and found.config == {"old": None}


def facts_in_line(fixture, key):
    facts = model.load(fixture)
    facts["release"]["values"].update({"a": {"b": "dsr"}, key: True})
    facts["config"]["data"].update({"a-b": "dsr", key: "true"})
    for agent in facts["agents"]:
        agent["status"]["nodeport_mode"] = "dsr"
    return facts


def test_a_key_that_no_status_proves_needs_a_start_after_the_last_change():
    facts = facts_in_line("1.14.19-snat-native", "new")
    assert not compared(facts).differs and not compared(facts).unclear
    facts["agents"][0]["config_current"] = False
    assert compared(facts).pending == {"node-1"}
    facts["agents"][0]["config_current"] = None
    assert not compared(facts).differs and list(compared(facts).unclear.values()) == [["node-1"]]


def test_an_agent_that_stays_silent_is_unclear_unless_it_differs_anyway():
    facts = facts_in_line("1.16.19-snat-native", "new")
    facts["agents"][1]["status"]["dsr_dispatch"] = None
    assert compared(facts).unclear == {"its status does not say dsr_dispatch": ["node-2"]}
    facts["agents"][1]["status"]["nodeport_mode"] = "snat"
    found = compared(facts)
    assert found.unclear == {} and found.running == {"node-2": {"nodeport_mode": "snat"}} and found.pending == {"node-2"}


def test_an_agent_ahead_of_the_config_would_fall_back_by_a_restart():
    facts = facts_in_line("1.16.19-snat-native", "new")
    facts["config"]["data"]["a-b"] = "snat"
    assert compared(facts).pending == {"node-1", "node-2", "node-3"}
