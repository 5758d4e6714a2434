# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused

FACTS = "{{ facts }}"


def test_the_catalogue_is_found_by_the_collection_loader(tmp_path):
    played = play(tmp_path, [
        {"fastpath.cilium.judge": {"facts": FACTS}, "register": "default"},
        {"fastpath.cilium.judge": {"facts": FACTS, "tunings": {"dsr": {"mode": "snat"}}}, "register": "snat"},
        {"fastpath.cilium.judge": {"facts": {}}, "register": "nothing"},
        {"fastpath.cilium.judge": {"facts": FACTS, "tunings": {"irq_affinity": True}}, "register": "hosts"},
    ], "--check")
    assert played.code == 0, played.text
    states = {verdict["tuning"]: verdict["state"] for verdict in played.results["default"]["verdicts"]}
    assert states == {"native_routing": "OK", "kube_proxy_replacement": "OK", "dsr": "DRIFT"}
    assert [verdict["state"] for verdict in played.results["snat"]["verdicts"]] == ["OK"]
    assert {verdict["state"] for verdict in played.results["nothing"]["verdicts"]} == {"UNKNOWN"}
    assert played.results["default"]["host_verdicts"] == []
    assert [verdict["state"] for verdict in played.results["hosts"]["host_verdicts"]] == ["UNKNOWN"]
    assert not any(result["changed"] for result in played.results.values())


def test_bad_arguments_are_one_sentence(tmp_path):
    messages = refused(
        tmp_path,
        {"fastpath.cilium.judge": {"facts": FACTS, "tunings": {"drs": {}}}},
        {"fastpath.cilium.judge": {"facts": FACTS, "tunings": "dsr"}},
        {"fastpath.cilium.judge": {"tunings": {}}},
        {"fastpath.cilium.judge": {"facts": FACTS, "tuning": {}}},
    )
    assert "did you mean dsr?" in messages[0] and "must be a mapping" in messages[1]
    assert messages[2] == "missing required arguments: facts" and "tuning" in messages[3]
