# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gaps
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


@pytest.mark.parametrize("fixture", [name for name in model.ALL if name != "1.13.4-partly-unread"])
def test_what_was_read_leaves_no_gap(fixture):
    view = View(model.load(fixture))
    assert list(gaps.foundation(view)) == [] and list(gaps.partial(view)) == []


@pytest.mark.parametrize("change, words", [
    (lambda facts: facts.update(schema=2), "schema 1"),
    (lambda facts: facts.update(agents=None, unread=[{"what": "agents", "class": "denied", "reason": "no right"}]),
     "(denied: no right)"),
    (lambda facts: facts.update(agents=[]), "No Cilium agent"),
    (lambda facts: [agent.update(status=None) for agent in facts["agents"]], "3 of 3 agents"),
    (lambda facts: facts.update(config=None), "cilium-config could not be read"),
    (lambda facts: facts["config"].update(data={"a": 1}), "cilium-config could not be read"),
    (lambda facts: facts["agents"][0].update(version="1.10.20"), "from 1.11 to 1.20 only"),
    (lambda facts: facts["release"].update(chart_version="2.0.0"), "The release's chart is of version 2.0.0"),
    (lambda facts: facts["release"].update(chart_version="main"), "version of the release's chart is not known"),
])
def test_what_nothing_can_be_judged_without(change, words):
    facts = model.load("1.16.19-snat-native")
    change(facts)
    found = list(gaps.foundation(View(facts)))
    assert words in found[0].reason and found[0].state == "UNKNOWN" and found[0].way_out


@pytest.mark.parametrize("change, words", [
    (lambda facts: facts["agents"][0].update(status={}), "1 of 3 agents"),
    (lambda facts: facts["agents"].pop(), "no agent on node-3"),
    (lambda facts: facts.update(daemonset=None), "How many agents"),
    (lambda facts: facts.update(release=None), "Helm release could not be read"),
    (lambda facts: facts.update(release_found=None), "Helm release could not be read"),
    (lambda facts: facts["release"].update(values=None), "values of the Helm release"),
    (lambda facts: facts.update(manifest_config=None), "stored manifest"),
    (lambda facts: facts.update(node_configs=None), "CiliumNodeConfigs"),
])
def test_what_leaves_a_verdict_open(change, words):
    facts = model.load("1.16.19-snat-native")
    change(facts)
    found = list(gaps.partial(View(facts)))
    assert words in found[0].reason and found[0].state == "UNKNOWN" and found[0].way_out
