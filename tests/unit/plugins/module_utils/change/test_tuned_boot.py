# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.change import tuned_boot
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_tuned import TunedProfile
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

SETTINGS, MENU = "/etc/default/grub", "/boot/grub/grub.cfg"


def profile(host):
    return TunedProfile({"kind": "tuned_profile", "profile": "network-latency"}, host)


def test_what_tuned_leaves_in_the_boot_loaders_files_goes(host):
    host.change(["update-grub"])
    before = snapshot(host)
    op = profile(host)
    former = op.read()
    op.apply(former)
    assert "$tuned_params" in host.text(MENU) and "tuned_params" in host.text(SETTINGS)
    op.restore(former)
    assert not differences(snapshot(host), before)


def test_a_menu_that_was_made_meanwhile_is_made_anew(host):
    host.change(["update-grub"])
    before = host.text(MENU)
    op = profile(host)
    former = op.read()
    op.apply(former)
    host.change(["update-grub"])
    assert "$tuned_params" in host.text(MENU)
    op.restore(former)
    assert host.text(MENU) == before


def test_what_the_site_wrote_there_since_stays(host):
    op = profile(host)
    former = op.read()
    op.apply(former)
    host.lay(SETTINGS, host.text(SETTINGS) + "GRUB_TIMEOUT=1\n")
    op.restore(former)
    assert "GRUB_TIMEOUT=1\n" in host.text(SETTINGS) and "tuned" not in host.text(SETTINGS)


def test_lines_that_were_there_before_stay(host):
    host.change(["tuned-adm", "profile", "network-throughput"])
    before = host.text(SETTINGS)
    assert "tuned_params" in before
    op = profile(host)
    former = op.read()
    op.apply(former)
    op.restore(former)
    assert host.text(SETTINGS) == before


def test_a_host_without_either_file_needs_nothing(host):
    for path in (SETTINGS, "/etc/tuned/bootcmdline"):
        host.remove(path)
    op = profile(host)
    former = op.read()
    assert not any(state["exists"] for state in former["boot"]["files"].values())
    op.restore(former)
    assert not host.exists(SETTINGS)


def test_how_an_empty_variable_is_quoted_makes_no_difference(host):
    one = profile(host).read()["boot"]
    host.lay("/etc/tuned/bootcmdline", 'TUNED_BOOT_CMDLINE=""\n')
    other = profile(host).read()["boot"]
    host.lay("/etc/tuned/bootcmdline", 'TUNED_BOOT_CMDLINE="a=1"\n')
    assert tuned_boot.same(one, other) and not tuned_boot.same(one, profile(host).read()["boot"])
