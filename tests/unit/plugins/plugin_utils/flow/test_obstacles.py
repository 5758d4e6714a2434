# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import obstacles
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

VALUES = [{"loadBalancer.mode": "dsr"}]


def reasons(facts):
    return [entry["reason"] for entry in obstacles.find(View(facts), VALUES)]


def test_a_healthy_cluster_has_none():
    assert reasons(model.load("1.13.4-snat-native")) == []


def test_every_agent_that_is_not_healthy_is_named():
    facts = model.load("1.13.4-snat-native")
    facts["agents"][0]["ready"] = False
    facts["nodes"][1]["ready"] = False
    del facts["nodes"][2]
    assert reasons(facts) == [
        "node-1 is not healthy: its agent is not Ready.", "node-2 is not healthy: the node is not Ready.",
        "node-3 is not healthy: nothing is known of the node."]


def test_the_way_back_names_the_newest_good_revision():
    facts = model.load("1.13.4-snat-native")
    facts["release"].update(revision=5, status="pending-upgrade", history=[
        {"revision": 3, "status": "superseded"}, {"revision": 4, "status": "failed"}, {"revision": 5, "status": "pending-upgrade"}])
    entry, = obstacles.find(View(facts), VALUES)
    assert "Revision 5" in entry["reason"] and "helm rollback cilium 3 -n kube-system" in entry["way_out"]
    facts["release"]["history"] = None
    assert "repair the release" in obstacles.find(View(facts), VALUES)[0]["way_out"]


def test_a_name_with_braces_is_only_a_name():
    facts = model.load("1.13.4-snat-native")
    facts["owner"] = {"kind": "flux", "name": "{values} {0}", "evidence": ""}
    assert "Flux ({values} {0})" in reasons(facts)[0]


def test_an_owner_of_a_kind_not_known_here_is_an_owner():
    facts = model.load("1.13.4-snat-native")
    facts["owner"] = {"kind": "fleet", "name": "", "evidence": ""}
    assert "fleet" in reasons(facts)[0]


def test_agents_that_only_wait_for_a_restart_of_their_own_are_no_roll_out():
    facts = model.load("1.13.4-snat-native")
    facts["daemonset"].update(update_strategy="OnDelete", updated=1)
    assert reasons(facts) == []
