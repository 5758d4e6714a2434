# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused

HOSTS = {"a": {"address": "192.0.2.1", "peers": ["192.0.2.2"]}, "b": {"address": "192.0.2.2", "peers": ["192.0.2.1"]}}
FINE = {"a": {"targets": {"192.0.2.2": "carried"}}, "b": {"targets": {"192.0.2.1": "carried"}}}


def test_all_pairs_passed(tmp_path):
    played = play(tmp_path, [{"fastpath.cilium.jumbo_pairs": {"hosts": HOSTS, "answers": FINE}, "register": "found"}])
    assert played.code == 0 and played.results["found"]["pairs"] == []


def test_pairs_that_failed_are_named_and_many_are_counted(tmp_path):
    many = {f"h{n}": {"address": f"192.0.2.{n}", "peers": ["192.0.2.99"]} for n in range(12)}
    messages = refused(
        tmp_path,
        {"fastpath.cilium.jumbo_pairs": {"hosts": HOSTS, "answers": {**FINE, "b": {"targets": {"192.0.2.1": "lost"}}}}},
        {"fastpath.cilium.jumbo_pairs": {"hosts": HOSTS, "answers": {}}},
        {"fastpath.cilium.jumbo_pairs": {"hosts": many, "answers": dict.fromkeys(many, {"targets": {}})}},
    )
    assert messages[0] == "Full-size packets did not get through: b to a: large packets are lost on the way."
    assert "a could not be asked. b could not be asked." in messages[1] and "And 2 more." in messages[2]
