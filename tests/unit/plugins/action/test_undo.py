# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play

STEP = {"id": "1-dsr-switch", "values": {"loadBalancer.mode": "dsr"}, "config": {"bpf-lb-mode": "dsr"},
        "expect": {"nodeport_mode": "dsr"}, "nodes": ["node-2"]}
RECORD = {"run": {"id": "20260101T120000Z-0123ab"}, "plan": {"steps": [STEP]}, "facts": "{{ facts }}"}
ENTRY = {"id": "1-dsr-switch", "former_revision": 3, "state": "done", "nodes": ["node-2"]}


def undo(name, entry, **record):
    arguments = {"record": {**RECORD, **record}, "entry": entry, "facts": "{{ facts }}"}
    return {"fastpath.cilium.undo": arguments, "register": name, "ignore_errors": True}


def test_the_way_back_or_a_sentence(tmp_path):
    played = play(tmp_path, [
        undo("way", ENTRY),
        undo("foreign", {**ENTRY, "former_revision": 1}),
        undo("elsewhere", ENTRY, facts={"schema": 1, "cluster": {"uid": "other"}}),
        undo("nothing", {}, plan=None),
    ])
    way = played.results["way"]
    assert way["revision"] is None and way["nodes"] == ["node-2"] and way["expect"] == {"nodeport_mode": "snat"}
    assert way["before"]["schema"] == 1 and not way["changed"]
    assert "somebody else's change is kept" in played.results["foreign"]["msg"]
    assert "changed another cluster" in played.results["elsewhere"]["msg"]
    assert played.results["nothing"]["nodes"] == [] and "Traceback" not in played.text
