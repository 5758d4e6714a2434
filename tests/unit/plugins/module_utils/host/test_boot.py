# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import boot
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of


def test_grub_as_debian_and_ubuntu_have_it(tmp_path):
    assert facts_of(tmp_path, "connectx")["boot_loader"] == {
        "kind": "grub2", "efi": False, "entries": "generated", "tools": ["update-grub"],
        "files": ["/etc/default/grub", "/boot/grub/grub.cfg"]}


def test_grub_as_red_hat_has_it(tmp_path):
    found = facts_of(tmp_path, "ice")["boot_loader"]
    assert (found["kind"], found["entries"]) == ("grub2", "bls") and "grubby" in found["tools"]


def test_what_the_loader_told_the_firmware_counts_for_more_than_files(tmp_path):
    found = facts_of(tmp_path, "locked")["boot_loader"]
    assert (found["kind"], found["efi"]) == ("grub2", True)
    name = tmp_path / boot.LOADER_INFO.lstrip("/")
    name.write_bytes(b"\6\0\0\0" + "systemd-boot 255".encode("utf-16-le"))
    assert boot.loader(Root(str(tmp_path))) == "systemd-boot" and boot.entries(Root(str(tmp_path)), "systemd-boot") == "bls"


@pytest.mark.parametrize("name, kind", [
    ("boot/loader/loader.conf", "systemd-boot"), ("boot/efi/loader/loader.conf", "systemd-boot"), ("etc/zipl.conf", "zipl"),
    ("boot/extlinux/extlinux.conf", "extlinux"), ("boot/firmware/cmdline.txt", "raspberry_pi"),
    ("boot/grub2/grub.cfg", "grub2")])
def test_by_files(tmp_path, name, kind):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert boot.read(Root(str(tmp_path)), Unread(), None)["kind"] == kind


def test_none_of_them(tmp_path):
    assert facts_of(tmp_path / "a", "container")["boot_loader"]["kind"] == "none"
    assert facts_of(tmp_path / "b", "talos")["boot_loader"] == {"kind": None, "efi": False, "entries": None, "tools": [],
                                                                "files": []}
