# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bed import disk, recipe
from bed.errors import VmError
from bed.recipe import Recipe


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe that may be changed."""
    folder = tmp_path / "image"
    shutil.copytree(recipe.RECIPE, folder)
    monkeypatch.setattr(recipe, "RECIPE", folder)
    return folder


def test_digest_is_the_same_in_another_checkout(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = Recipe().digest()
    elsewhere = tmp_path / "another place" / "image"
    shutil.copytree(copy, elsewhere)
    monkeypatch.setattr(recipe, "RECIPE", elsewhere)
    assert Recipe().digest() == before


@pytest.mark.parametrize("change", ["packages.txt", "customize.sh", "root/etc/fstab", "root/etc/new",
                                    "cpufreq/cpufreq_shim.c"])
def test_digest_follows_every_file(copy: Path, change: str):
    before = Recipe().digest()
    with open(copy / change, "a", encoding="utf-8") as handle:
        handle.write("\nnano\n")
    assert Recipe().digest() != before


def test_digest_follows_the_suite_and_a_scripts_mode(copy: Path):
    before = Recipe().digest()
    assert Recipe("trixie").digest() != before
    (copy / "essential.sh").chmod(0o644)
    assert Recipe().digest() != before


def test_unknown_suite_is_refused():
    with pytest.raises(VmError, match="no image of Debian sid: choose one of bookworm, trixie"):
        Recipe("sid")


def test_packages_without_remarks(copy: Path):
    (copy / "packages.txt").write_text("# why\n\ntuned\n irqbalance \n", encoding="utf-8")
    assert recipe.packages() == ["tuned", "irqbalance"]


def test_kernel_is_not_the_cloud_flavour():
    assert "linux-image-amd64" in recipe.packages() and "linux-image-cloud-amd64" not in recipe.packages()


def test_scripts_get_their_arguments_quoted(copy: Path):
    words = recipe.mmdebstrap_command("bookworm", Path("/r"), Path("/a key/k.pub"), "http://m/debian", copy)
    assert words[-3:] == ["bookworm", "/r", "http://m/debian"]
    hook = next(word for word in words if word.startswith("--customize-hook="))
    assert hook.endswith("customize.sh \"$1\" '/a key/k.pub'")


@pytest.mark.parametrize("text, expected", [
    ("Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n", "http://mirror.example/debian"),
    ("# deb http://no.example/debian x main\ndeb http://yes.example/debian bookworm main\n", "http://yes.example/debian"),
    ("deb [arch=amd64] https://signed.example/debian/ bookworm main\n", "https://signed.example/debian/"),
    ("URIs: http://security.example/debian-security\n", recipe.USUAL_MIRROR),
    ("deb http://archive.ubuntu.com/ubuntu jammy main\n", recipe.USUAL_MIRROR),
])
def test_mirror_is_the_machines_own(tmp_path: Path, text: str, expected: str):
    sources = tmp_path / "sources"
    sources.write_text(text, encoding="utf-8")
    assert recipe.mirror((tmp_path / "absent", sources)) == expected


def test_partition_table_is_one_active_linux_partition():
    table = disk.partition_table(2048, 6289408)
    assert len(disk.partition_table(1, 1)) + disk.BOOT_CODE == disk.SECTOR
    assert table[6] == 0x80 and table[10] == 0x83  # active; Linux
    assert int.from_bytes(table[14:18], "little") == 2048 and int.from_bytes(table[18:22], "little") == 6289408
    assert table[22:70] == bytes(48) and table[70:] == b"\x55\xaa"
