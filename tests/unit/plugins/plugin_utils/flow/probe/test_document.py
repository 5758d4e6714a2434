# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.document import document

PAIR = {"entry": "a", "backend": "b", "protocol": "udp", "family": "ipv4", "room": None, "state": "timeout",
        "own": "203.0.113.9", "port": 4000, "heard": None}
WORKLOAD = {"backends": [{"node": "b", "hostname": "probe-b", "ready": True}], "nodes": [{"node": "b", "addresses": []}]}


def pairs(found):
    return found["clients"][0]["pairs"]


def test_answers_of_one_client_are_put_together_and_failures_are_told():
    found = document(WORKLOAD, [{"item": "one", "pairs": [PAIR]}, {"item": "one", "pairs": [PAIR]}, {"pairs": []},
                                {"item": "two", "unreachable": True, "msg": "No route."},
                                {"item": "three", "failed": True}, 5])
    assert [(client["client"], client["error"], len(client["pairs"])) for client in found["clients"]] == [
        ("one", None, 2), ("localhost", None, 0), ("two", "No route.", 0), ("three", "It gave no answer.", 0)]
    assert found["backends"] == WORKLOAD["backends"] and found["schema"] == 1


def test_logs_tell_what_was_heard_of_what_got_no_answer():
    other = dict(PAIR, port=4001, state="reached")
    tcp = dict(PAIR, protocol="tcp")
    answers = [{"pairs": [PAIR, other, tcp]}]
    heard = pairs(document(WORKLOAD, answers, {"b": ["203.0.113.9 4000", "203.0.113.9 4001"]}))
    assert [pair["heard"] for pair in heard] == ["203.0.113.9", None, None]
    assert pairs(document(WORKLOAD, answers, {"b": ["203.0.113.9 4001"]}))[0]["heard"] is False


def test_a_log_with_other_addresses_or_none_tells_nothing():
    for heard in ({"b": ["192.0.2.1 4000"]}, {"b": None}, {"a": []}, None, 3):
        assert pairs(document(WORKLOAD, [{"pairs": [PAIR]}], heard))[0]["heard"] is None
