# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_file import File, is_private
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

SITE = "/etc/sysctl.d/10-site.conf"


def file(host, path=SITE, **fields):
    return File(dict({"kind": "file", "path": path, "content": "ours\n"}, **fields), host)


def test_a_file_keeps_mode_owner_and_attributes_unless_others_are_asked_for(host):
    os.chmod(host.at(SITE), 0o640)
    op = file(host)
    former = op.read()
    op.apply(former)
    assert op.holds(op.read()) and Path(host.at(SITE)).read_text() == "ours\n"
    assert os.stat(host.at(SITE)).st_mode & 0o7777 == 0o640
    other = file(host, mode="0600")
    assert not other.holds(other.read())
    other.apply(other.read())
    assert os.stat(host.at(SITE)).st_mode & 0o7777 == 0o600


def test_hashes_over_the_content_do_not_move_on_to_other_content_and_come_back_with_it(host, monkeypatch):
    op = file(host)
    former = dict(op.read(), xattrs={"security.ima": "AQ==", "security.selinux": "bGFiZWw="})
    written = []
    monkeypatch.setattr(host, "write", lambda name, content, attributes: written.append(attributes["xattrs"]))
    op.apply(former)
    op.restore(former)
    assert written == [{"security.selinux": "bGFiZWw="}, former["xattrs"]]


def test_bytes_mode_owner_attributes_and_time_come_back(host):
    Path(host.at(SITE)).write_bytes(b"\xff\x00theirs")
    os.chmod(host.at(SITE), 0o604)
    if os.geteuid() == 0:
        os.chown(host.at(SITE), 1234, 4321)
    try:
        os.setxattr(host.at(SITE), "user.site", b"\x01")
    except OSError:
        pass
    os.utime(host.at(SITE), ns=(1, 1_600_000_000_000_000_001))
    before, time = snapshot(host), os.stat(host.at(SITE)).st_mtime_ns
    for fields in ({}, {"mode": "0600", "owner": "0", "group": "0"}, {"state": "absent"}):
        op = file(host, **fields)
        former = op.read()
        op.apply(former)
        assert op.holds(op.read()) and not op.same(op.read(), former)
        op.restore(former)
        assert not differences(snapshot(host), before) and os.stat(host.at(SITE)).st_mtime_ns == time


def test_folders_made_for_a_file_go_with_it_unless_somebody_uses_them(host):
    before = snapshot(host)
    op = file(host, "/etc/a/b/c.conf")
    former = op.read()
    assert former == {"exists": False, "missing": ["/etc/a", "/etc/a/b"]}
    op.apply(former)
    op.restore(former)
    assert not differences(snapshot(host), before)
    op.apply(former)
    host.lay("/etc/a/theirs", "x")
    op.restore(former)
    assert op.same(op.read(), former) and os.listdir(host.at("/etc/a")) == ["theirs"]


def test_a_folder_that_was_left_empty_is_not_the_former_state(host):
    op = file(host, "/etc/a/c.conf")
    former = op.read()
    os.mkdir(host.at("/etc/a"))
    assert not op.same(op.read(), former)


def test_links_and_folders_are_refused(host):
    os.symlink("10-site.conf", host.at("/etc/sysctl.d/99-link.conf"))
    with pytest.raises(Refused, match="is a symbolic link: name the file it leads to"):
        file(host, "/etc/sysctl.d/99-link.conf").read()
    with pytest.raises(Refused, match="is not a regular file"):
        file(host, "/etc/sysctl.d").read()
    with pytest.raises(Refused, match="no user or group 'nobody-here'"):
        file(host, owner="nobody-here")


def test_systemd_and_selinux_are_told_where_they_have_to_know(host):
    host.lay("/sys/fs/selinux/enforce", "1")
    host.run = lambda argv, timeout, env: (ran.append(argv), host_ok)[1]
    ran, host_ok = [], type("Answer", (), {"code": 0})()
    unit = file(host, "/etc/systemd/system/ours.service")
    former = unit.read()
    unit.apply(former)
    unit.restore(former)
    unit.settle_back()
    reload = ["systemctl", "daemon-reload"]
    assert ran == [["restorecon", "/etc/systemd/system/ours.service"], reload, reload, reload]
    del ran[:]
    plain = file(host)
    plain.apply(plain.read())
    assert ran == []


def test_what_only_the_owner_may_read_is_not_shown(host):
    os.chmod(host.at(SITE), 0o600)
    op = file(host, content="password=x\n")
    former = op.read()
    texts = op.text(former), op.text(op.wanted(former))
    assert all("hidden" in text and "password" not in text for text in texts) and texts[0] != texts[1]
    assert "content" not in op.shown(former) and op.shown({"exists": False}) == "absent"
    assert [mode for mode in ("0600", "0640", "604", "0700", "0644") if is_private(mode)] == ["0600", "0700"]
