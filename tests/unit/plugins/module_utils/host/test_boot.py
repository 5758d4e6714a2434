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
        "files": ["/etc/default/grub", "/boot/grub/grub.cfg"], "next_command_line": ["root=UUID=1", "ro", "quiet"]}


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
                                                                "files": [], "next_command_line": None}


def next_boot(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    unread = Unread()
    return boot.read(Root(str(tmp_path)), unread, None)["next_command_line"], [entry["class"] for entry in unread.entries]


MENU = """menuentry 'Debian' {
\tlinux\t/boot/vmlinuz-6.1 root=UUID=1 ro quiet preempt=none
\tinitrd\t/boot/initrd
}
menuentry 'Debian, old kernel' {
\tlinux /boot/vmlinuz-6.0 root=UUID=1 ro quiet
}
menuentry 'Debian (recovery mode)' {
\tlinux /boot/vmlinuz-6.1 root=UUID=1 ro single
}
"""


def test_the_next_boot_has_what_all_entries_have_but_those_for_recovery(tmp_path):
    assert next_boot(tmp_path, "boot/grub/grub.cfg", MENU) == (["root=UUID=1", "ro", "quiet"], [])
    assert next_boot(tmp_path, "boot/grub/grub.cfg", MENU.replace("ro quiet\n", "ro quiet preempt=none\n"))[0][-1] == "preempt=none"


def test_what_the_menu_sets_itself_is_filled_in(tmp_path):
    menu = 'set tuned_params="skew_tick=1 tsc=reliable"\nlinux /vmlinuz ro $tuned_params $vt_handoff ${tuned_initrd}\n'
    assert next_boot(tmp_path, "boot/grub/grub.cfg", menu) == (None, ["garbled"])
    menu = menu.replace(" ${tuned_initrd}", "")
    assert next_boot(tmp_path, "boot/grub/grub.cfg", menu) == (["ro", "skew_tick=1", "tsc=reliable"], [])


def test_a_secret_of_the_next_boot_is_masked(tmp_path):
    found, _unread = next_boot(tmp_path, "boot/grub/grub.cfg", "linux /vmlinuz admin.password=hunter2\n")
    assert "hunter2" not in str(found)


def test_entries_in_files_spell_their_options_out_or_nothing_is_known(tmp_path):
    (tmp_path / "boot/grub2").mkdir(parents=True)
    (tmp_path / "boot/grub2/grub.cfg").touch()
    entry = "title Rocky\nlinux /vmlinuz\noptions root=/dev/sda1 ro preempt=none\n"
    assert next_boot(tmp_path, "boot/loader/entries/1.conf", entry) == (["root=/dev/sda1", "ro", "preempt=none"], [])
    assert next_boot(tmp_path, "boot/loader/entries/1.conf", "options $kernelopts\n") == (None, ["garbled"])


def test_a_menu_without_a_kernel_tells_nothing(tmp_path):
    assert next_boot(tmp_path, "boot/grub/grub.cfg", "# nothing\n") == (None, ["not_found"])
