# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from base64 import b64encode

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone, TimedOut
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node, xattrs


@pytest.fixture
def node(tmp_path):
    for name in ("etc", "var"):
        (tmp_path / name).mkdir()
    return Node(str(tmp_path))


def own(mode=0o640, **more):
    return dict({"mode": mode, "uid": os.geteuid(), "gid": os.getegid()}, **more)


def test_a_file_is_written_whole_with_mode_and_time(node):
    node.write("/etc/x", b"\x00bytes", own(0o604, mtime_ns=1_700_000_000_123_456_789))
    assert node.read("/etc/x") == b"\x00bytes"
    assert node.attributes("/etc/x") == dict(own(0o604), mtime_ns=1_700_000_000_123_456_789, xattrs={})
    assert os.listdir(node.at("/etc")) == ["x"]


def test_content_is_on_the_disk_before_the_name_changes_and_the_name_before_it_returns(node, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))))
    monkeypatch.setattr(os, "rename", lambda one, other, really=os.rename: (seen.append("rename"), really(one, other)))
    node.write("/etc/x", b"new", own())
    assert seen == [".fastpath-cilium.x.tmp", "rename", "etc"]
    seen.clear()
    node.append("/var/journal", b"line\n")
    assert seen == ["journal", "var"]


@pytest.mark.parametrize("extra", ({}, {"user.site": b"\x01\x02"}))
def test_extended_attributes_are_exactly_those_asked_for(node, extra):
    node.write("/etc/x", b"", own())
    try:
        os.setxattr(node.at("/etc/x"), "user.other", b"1")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    found = dict(node.attributes("/etc/x"), xattrs={name: b64encode(value).decode() for name, value in extra.items()})
    node.write("/etc/x", b"", found)
    assert xattrs(node.at("/etc/x")) == extra


def test_what_a_killed_process_left_is_replaced_and_swept(node):
    left = node.at("/etc/.fastpath-cilium.x.tmp")
    for act in (lambda: node.write("/etc/x", b"new", own()), lambda: node.sweep("/etc/x")):
        with open(left, "w", encoding="ascii") as file:
            file.write("half")
        act()
        assert not os.path.exists(left)
    assert node.read("/etc/x") == b"new"


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(node, tmp_path):
    (tmp_path / "victim").write_text("precious")
    os.symlink(tmp_path / "victim", node.at("/etc/.fastpath-cilium.x.tmp"))
    node.write("/etc/x", b"new", own())
    assert (tmp_path / "victim").read_text() == "precious"


def test_what_is_no_file_of_settings_is_not_read(node, tmp_path):
    (tmp_path / "etc/big").write_bytes(b"x" * (2 << 20))
    with pytest.raises(ChangeError, match="larger than"):
        node.read("/etc/big")
    with pytest.raises(Gone, match="/etc/none cannot be read: No such file"):
        node.read("/etc/none")


def test_commands_speak_english_and_take_nothing_from_the_environment(node, monkeypatch):
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("SECRET", "x")
    answer = node.ask(["env"])
    assert answer.code == 0 and "LC_ALL=C" in answer.out and "SECRET" not in answer.out and "LANG" not in answer.out


def test_a_command_that_fails_hangs_or_is_missing_is_a_sentence(node):
    with pytest.raises(ChangeError, match="exit code 2: ls: cannot access"):
        node.change(["ls", "/nowhere"])
    with pytest.raises(TimedOut, match="sleep 5 did not end within"):
        node.change(["sleep", "5"], timeout=0.2)
    with pytest.raises(Gone, match="no-such-tool is not installed on this node"):
        node.ask(["no-such-tool"])


def test_folders_that_others_use_stay(node):
    node.make_folder("/etc/ours")
    (open(node.at("/etc/ours/theirs"), "w", encoding="ascii")).close()
    assert node.remove_folder("/etc/ours") is False
    os.unlink(node.at("/etc/ours/theirs"))
    assert node.remove_folder("/etc/ours") is True and node.remove_folder("/etc/ours") is True
