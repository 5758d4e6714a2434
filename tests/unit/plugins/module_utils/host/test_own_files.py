# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.host import own_files
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as host_model


def test_files_are_read_whole_and_what_is_not_there_is_none(tmp_path):
    path = own_files.PATHS[0]
    (tmp_path / path.lstrip("/")).parent.mkdir(parents=True)
    (tmp_path / path.lstrip("/")).write_text("irq a 1\nirq b 2\n")
    found = own_files.read(Root(str(tmp_path)), Unread())
    assert found[path] == "irq a 1\nirq b 2\n" and set(found) == set(own_files.PATHS)
    assert found[own_files.PATHS[1]] is None


def test_a_file_that_cannot_be_read_is_noted(tmp_path):
    path = tmp_path / own_files.PATHS[0].lstrip("/")
    path.parent.mkdir(parents=True)
    path.symlink_to(path)
    unread = Unread()
    assert own_files.read(Root(str(tmp_path)), unread)[own_files.PATHS[0]] is None
    assert unread.entries[0]["what"] == "files/" + own_files.PATHS[0]


def test_every_file_that_a_host_tuning_writes_is_read_back():
    written = set()
    for version in ("2.20.0", "2.26.0"):
        facts = host_model.changed(host_model.facts(), "tuned.version", version)
        for profile in own_files.PROFILES:
            chosen = policy.parse({name: {"profile": profile} if name == "tuned_profile" else True for name in catalog.hosts()},
                                  catalogue=catalog.hosts())
            for others in (chosen, {}):
                host = Host("node-1", facts, host_model.NODE, policy=others)
                for name, choice in chosen.items():
                    written |= {op["path"] for setting in catalog.hosts()[name].settings(host, choice.options)
                                for op in setting.ops if op["kind"] == "file"}
    assert written == set(own_files.PATHS)
