# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused

WORKLOAD = {"nodes": [{"node": name, "addresses": [address], "entries": {"ipv4": address}}
                      for name, address in (("a", "192.0.2.1"), ("b", "192.0.2.2"))],
            "backends": [{"node": name, "hostname": f"pod-{name}", "ready": True, "why": None, "families": ["ipv4"],
                          "ports": {"tcp": 31001, "udp": 31002}} for name in ("a", "b")]}


def answer(entry, backend, protocol, seen):
    return {"entry": entry, "backend": backend, "protocol": protocol, "family": "ipv4", "room": None, "state": "reached",
            "answered": f"pod-{backend}", "seen": seen, "own": "203.0.113.9", "port": 4000}


def test_the_ring_and_what_its_answers_prove(tmp_path):
    run = tmp_path / "20260101T000000Z-aaaaaa"
    run.mkdir()
    pairs = [answer(entry, backend, protocol, "203.0.113.9") for entry in "ab" for backend in "ab"
             for protocol in ("tcp", "udp")]
    answers = [{"item": "client", "pairs": pairs}]
    given = {"workload": WORKLOAD, "answers": answers}
    played = play(tmp_path, [
        {"fastpath.cilium.nodeport_ring": {"workload": WORKLOAD}, "register": "ring"},
        {"fastpath.cilium.nodeport_ring": given, "register": "further"},
        {"fastpath.cilium.nodeport_verdict": {
            **given, "wanted": "dsr", "name": "probe-after", "run": {"id": run.name, "path": str(run)}}, "register": "dsr"},
        {"fastpath.cilium.nodeport_verdict": {**given, "wanted": "snat"}, "register": "snat"},
    ])
    assert played.code == 0, played.text
    assert {(one["entry"], one["backend"]) for one in played.results["ring"]["targets"]} == {
        ("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")}
    assert played.results["further"]["targets"] == []
    verdict = played.results["dsr"]["verdict"]
    assert verdict["passed"] is True and verdict["mode"] == "dsr"
    assert json.loads((run / "probe-after.json").read_text())["verdict"] == verdict
    assert played.results["snat"]["verdict"]["passed"] is False and played.results["snat"]["verdict"]["causes"]


def test_bad_arguments_are_one_sentence(tmp_path):
    found, = refused(tmp_path, {"fastpath.cilium.nodeport_verdict": {"workload": {}, "answers": [], "wanted": "ipip"}})
    assert "must be one of" in found
