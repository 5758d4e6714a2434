# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play

BOOT = "00000001-0000-4000-8000-000000000000"
NODES = [{"name": "node-1", "boot_id": BOOT}]
FACTS = {"schema": 1, "nodes": NODES}


def test_answers_of_a_loop_and_what_hosts_registered(tmp_path):
    answer = {"item": "a", "facts": {"schema": 1, "boot_id": BOOT}}
    played = play(tmp_path, [
        {"fastpath.cilium.match_hosts": {"facts": FACTS, "answers": [answer, {"item": "b", "unreachable": True, "msg": "refused"}]},
         "register": "whole"},
        {"fastpath.cilium.match_hosts": {"facts": FACTS, "registered": "nobody_has_this"}, "register": "nobody"},
        {"ansible.builtin.add_host": {"name": "rack-7", "host_read": answer}},
        {"fastpath.cilium.match_hosts": {"facts": FACTS, "registered": "host_read"}, "register": "read"},
    ])
    assert played.code == 0, played.text
    first, second = played.results["whole"]["facts"]["hosts"]
    assert (first["host"], first["node"]) == ("a", "node-1") and second["problem"] == "It could not be reached: refused"
    assert played.results["nobody"]["facts"]["hosts"] is None
    assert [(entry["host"], entry["node"]) for entry in played.results["read"]["facts"]["hosts"]] == [("rack-7", "node-1")]
