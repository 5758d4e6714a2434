# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import system
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.fixtures.hosts.models import BOOT_ID
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import root_of


def test_a_host_says_who_it_is(tmp_path):
    unread = Unread()
    found = system.read(root_of(tmp_path, "connectx"), unread)
    assert (found["boot_id"], found["hostname"], unread.entries) == (BOOT_ID, "node-1", [])
    assert found["os"] == {"id": "ubuntu", "id_like": ["debian"], "version_id": "24.04", "variant_id": None,
                           "name": "Ubuntu 24.04.1 LTS", "immutable": False}


@pytest.mark.parametrize("content, immutable", [
    ("ID=talos\n", True), ("ID=bottlerocket\n", True), ("ID=flatcar\nID_LIKE=coreos\n", True),
    ("ID=fedora\nVARIANT_ID=coreos\n", True),
    ("ID=fedora\nVARIANT_ID=server\n", False), ("ID=rhel\n", False), ("NAME=x\n", None),
])
def test_whether_files_are_the_administrators(tmp_path, content, immutable):
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text(content)
    assert system.distribution(Root(str(tmp_path)))["immutable"] is immutable


def test_an_ostree_is_immutable_whatever_its_name(tmp_path):
    for name, content in (("etc/os-release", "ID=rhel\n"), ("run/ostree-booted", "")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    assert system.distribution(Root(str(tmp_path)))["immutable"] is True


@pytest.mark.parametrize("content", ["", "none\n", "8c1d1cb3-86f4-4b44-bb7c\n", BOOT_ID + "x\n"])
def test_what_is_no_boot_id(tmp_path, content):
    path = tmp_path / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(HostError):
        system.boot_id(Root(str(tmp_path)))


def test_without_os_release_the_rest_is_read(tmp_path):
    unread = Unread()
    assert system.read(Root(str(tmp_path)), unread)["os"] is None
    assert {entry["what"] for entry in unread.entries} == {"boot_id", "os"}
