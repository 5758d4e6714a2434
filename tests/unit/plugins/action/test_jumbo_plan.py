# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model


def facts(number, **changes):
    return model.facts(devices=[model.nic(addresses=[f"192.0.2.{number}/24"], managed_by="ifupdown", **changes)])


def test_each_host_is_told_its_two_phases(tmp_path):
    task = {"fastpath.cilium.jumbo_plan": {"facts": {"a": facts(1), "b": facts(2)}, "size": 9000}, "register": "jumbo"}
    played = play(tmp_path, [task], "--check")
    assert played.code == 0, played.text
    jumbo = played.results["jumbo"]
    assert jumbo["segment"] == "192.0.2.0/24" and jumbo["changed"] is False
    assert [op["kind"] for op in jumbo["hosts"]["a"]["raise"]] == ["routes", "link"]
    assert {op["kind"] for op in jumbo["hosts"]["b"]["free"]} == {"routes", "file", "unit"}


def test_what_cannot_be_begun_is_one_sentence(tmp_path):
    messages = refused(
        tmp_path,
        {"fastpath.cilium.jumbo_plan": {"facts": {"a": facts(1)}, "size": 9000}},
        {"fastpath.cilium.jumbo_plan": {"facts": {"a": facts(1), "b": {}}, "size": 9000, "segment": "192.0.2.0/24"}},
        {"fastpath.cilium.jumbo_plan": {"facts": {"a": facts(1), "b": facts(2)}, "size": 1500}},
    )
    assert "at least two hosts" in messages[0] and "devices of b are not known" in messages[1]
    assert messages[2] == "size must be from 1501 to 9216."
