# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import reach
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Denied, NotFound
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Output, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import SPACE

KINDS = ["endpoint/icmp", "endpoint/http", "host/icmp", "host/http"]


class Daemons:
    """The health daemons of all agents: which ways are broken, by (agent, node, kind), and for how many rounds."""

    def __init__(self, cilium):
        self.cilium, self.broken, self.asked, self.unknown = cilium, {}, [], set()
        cilium.api.on_exec = self.answer

    def answer(self, pod, command):
        assert command == ["cilium-health", "status", "--probe", "-o", "json"]
        agent = self.cilium.api.objects["{0}/pods/{1}".format(SPACE, pod)]["spec"]["nodeName"]
        self.asked.append(agent)
        nodes = [self.entry(agent, node) for node in self.cilium.names if (agent, node) not in self.unknown]
        return Output(json.dumps({"local": {"name": "kind/" + agent}, "nodes": nodes}).encode())

    def entry(self, agent, node):
        def way(place):
            return {protocol: self.probe(agent, node, "{0}/{1}".format(place, protocol)) for protocol in ("icmp", "http")}
        return {"name": "kind/" + node, "host": {"primary-address": way("host")}, "endpoint": way("endpoint")}

    def probe(self, agent, node, kind):
        left = self.broken.get((agent, node, kind), 0)
        self.broken[agent, node, kind] = left - 1
        return {"status": "Connection timed out"} if left > 0 else {"latency": 1}


@pytest.fixture(name="daemons")
def fixture_daemons(cilium):
    return Daemons(cilium)


def prove(cluster, kinds=None, **more):
    return reach.prove(cluster, reach.Question(kinds=kinds, **{"timeout": 0.6, "pause": 0.05, **more}))


def test_all_is_proved_in_one_round(cluster, daemons):
    assert prove(cluster) == {"agents": 3, "rounds": 1, "proved": KINDS, "lacking": []}
    assert sorted(daemons.asked) == ["node-1", "node-2", "node-3"]


def test_what_did_not_work_before_is_not_among_what_is_proved(cluster, daemons):
    daemons.broken = {("node-1", "node-3", "host/icmp"): 99, ("node-2", "node-1", "endpoint/icmp"): 99}
    assert prove(cluster)["proved"] == ["endpoint/http", "host/http"]
    assert prove(cluster, ["endpoint/http", "host/http"])["lacking"] == []


def test_it_waits_and_asks_those_only_that_lack_something(cluster, daemons, tmp_path):
    daemons.broken = {("node-2", "node-3", "endpoint/icmp"): 2}
    found = prove(cluster, KINDS)
    assert found["rounds"] == 3 and found["proved"] == KINDS
    assert sorted(daemons.asked) == ["node-1", "node-2", "node-2", "node-2", "node-3"]


def test_one_kind_of_way_to_the_pods_must_work_everywhere(cluster, daemons):
    daemons.broken = {("node-1", "node-3", "endpoint/icmp"): 99, ("node-2", "node-3", "endpoint/http"): 99}
    with pytest.raises(reach.NotReached) as caught:
        prove(cluster)
    assert caught.value.result["proved"] == ["host/icmp", "host/http"]
    assert "the agent of node-1 does not reach the pods of node-3 by ICMP (Connection timed out)" in caught.value.message
    assert ", and 1 more such way." in caught.value.message and caught.value.message.endswith(".")


def test_two_agents_that_get_another_way_each_are_asked_again(cluster, daemons):
    daemons.broken = {("node-1", "node-3", "endpoint/icmp"): 1, ("node-2", "node-3", "endpoint/http"): 1}
    assert prove(cluster)["rounds"] == 2


def test_a_node_that_an_agent_does_not_know_yet_is_not_proved(cluster, daemons):
    daemons.unknown = {("node-3", "node-1")}
    with pytest.raises(reach.NotReached, match="does not know that node yet"):
        prove(cluster)


def test_an_agent_that_cannot_say_is_told_with_its_reason(api, cluster, cilium):
    api.on_exec = lambda pod, command: Output(stderr=b"Cannot get status: cilium-health daemon unreachable", code=1)
    with pytest.raises(reach.NotReached, match=r"the agent of node-1 did not say \(.*daemon unreachable"):
        prove(cluster)
    api.on_exec = lambda pod, command: Output(b"hello")
    with pytest.raises(reach.NotReached, match="not the status of a health daemon"):
        prove(cluster)


def test_who_may_not_ask_is_told_so_at_once(api, cluster, cilium):
    api.script("GET", "/exec", Reply(403, b'{"kind":"Status","message":"no exec for you","code":403}'))
    with pytest.raises(Denied):
        prove(cluster, timeout=30)


def test_without_agents_nothing_is_proved(api, cluster, cilium):
    for path in [path for path in api.objects if path.startswith(SPACE + "/pods/")]:
        del api.objects[path]
    with pytest.raises(NotFound):
        prove(cluster)


def test_the_wait_is_told(cluster, daemons, tmp_path, monkeypatch):
    monkeypatch.setattr("ansible_collections.fastpath.cilium.plugins.module_utils.progress.AGAIN", 0.0)
    daemons.broken = {("node-2", "node-3", "endpoint/icmp"): 2}
    prove(cluster, KINDS, progress=str(tmp_path / "progress"))
    assert "the agent of node-2 does not reach the pods of node-3 by ICMP" in (tmp_path / "progress").read_text()


def test_a_long_list_is_cut(cluster, daemons):
    names = daemons.cilium.names
    daemons.broken = {(agent, node, kind): 99 for agent in names for node in names for kind in KINDS}
    with pytest.raises(reach.NotReached, match="and 19 or more such ways") as caught:
        prove(cluster, KINDS)
    assert len(caught.value.result["lacking"]) == reach.SHOWN
