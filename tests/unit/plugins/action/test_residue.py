# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused

STEP = {"tunings": ["bandwidth_manager"], "nodes": ["node-1"], "disturbs": ["tuned_profile"]}


def facts(value):
    host = {"schema": 1, "sysctl": {"net.core.somaxconn": value}, "devices": [], "tuned": {"active_profile": "site"}}
    return {"schema": 1, "hosts": [{"host": "a", "node": "node-1", "problem": None, "facts": host}]}


def test_recorded_lost_and_the_way_back(tmp_path):
    played = play(tmp_path, [
        {"fastpath.cilium.residue": {"facts": facts("128"), "step": STEP}, "register": "before"},
        {"fastpath.cilium.residue": {"facts": facts("4096"), "step": STEP, "before": facts("128")["hosts"]}, "register": "after"},
        {"fastpath.cilium.residue": {"facts": facts("4096"), "recorded": "{{ before.recorded }}"}, "register": "back"},
    ])
    assert played.code == 0, played.text
    assert played.results["before"]["recorded"]["nodes"]["node-1"]["sysctls"] == {"net.core.somaxconn": "128"}
    assert "net.core.somaxconn is 4096 and was 128" in played.results["after"]["lost"]["node-1"][0]
    way, = played.results["back"]["ways"]
    assert way["host"] == "a" and way["ops"] == [{"kind": "value", "path": "/proc/sys/net/core/somaxconn", "value": "128"}]


def test_bad_arguments_are_one_sentence(tmp_path):
    both, neither = refused(tmp_path, {"fastpath.cilium.residue": {"facts": facts("1"), "step": STEP, "recorded": {}}},
                            {"fastpath.cilium.residue": {"facts": facts("1")}})
    assert "mutually exclusive" in both and "one of the following is required" in neither
