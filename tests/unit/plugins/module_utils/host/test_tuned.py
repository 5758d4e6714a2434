# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import tuned
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Unread
from ansible_collections.fastpath.cilium.plugins.module_utils.host.units import Unit
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of, root_of


def test_a_host_with_tuned(tmp_path):
    assert facts_of(tmp_path, "tuned")["tuned"] == {
        "installed": True, "version": "2.27.0", "running": True, "enabled": True, "active_profile": "site-latency",
        "profile_mode": "manual", "profiles": ["balanced", "network-latency", "site-latency"],
        "recommended": "throughput-performance", "verify": "failed",
        "options": {"daemon": "1", "reapply_sysctl": "1", "reapply_sysctl_exclude": "net.ipv4.conf.*"}}


def test_a_host_without_it(tmp_path):
    found = facts_of(tmp_path, "connectx")["tuned"]
    assert found.pop("installed") is False and set(found.values()) == {None}


def test_it_is_not_asked_when_that_is_not_wanted_or_pointless(tmp_path):
    root = root_of(tmp_path, "tuned")
    (tmp_path / ".answers/run/tuned-adm recommend").unlink()
    (tmp_path / ".answers/run/tuned-adm verify").unlink()
    unread = Unread()
    found = tuned.read(root, unread, Unit(True, True), ask=False)
    assert found["recommended"] is found["verify"] is None and unread.entries == []
    tuned.read(root, unread, Unit(False, True))
    assert [entry["what"] for entry in unread.entries] == ["tuned/recommended"]


@pytest.mark.parametrize("code, output, verdict", [
    (0, "Verification succeeded, current system settings match the preset profile.\n", "ok"),
    (0, "Verfication succeeded, current system settings match the preset profile.\n", "ok"),  # as Debian 12 has it
    (2, "Verification failed", None),
    (1, "Verification failed, ...", "failed"), (1, "Cannot talk to TuneD daemon via DBus", None), (-9, "", None),
])
def test_what_verify_says(tmp_path, code, output, verdict):
    root, unread = root_of(tmp_path, "tuned"), Unread()
    (tmp_path / ".answers/run/tuned-adm verify").write_text(json.dumps({"code": code, "output": output}))
    assert tuned.read(root, unread, Unit(True, True))["verify"] == verdict
    assert [entry["what"] for entry in unread.entries] == ([] if verdict else ["tuned/verify"])


@pytest.mark.parametrize("output", ["", "Traceback (most recent call last):\n", "a; reboot", "{{ x }}"])
def test_what_is_no_profile_is_not_taken_for_one(tmp_path, output):
    root, unread = root_of(tmp_path, "tuned"), Unread()
    (tmp_path / ".answers/run/tuned-adm recommend").write_text(json.dumps({"code": 0, "output": output}))
    assert tuned.read(root, unread, Unit(True, True))["recommended"] is None
    assert unread.entries[0]["what"] == "tuned/recommended"


def test_the_version_is_asked_for_where_no_file_tells(tmp_path):
    root = root_of(tmp_path, "tuned")
    (tmp_path / "usr/lib/python3.9/site-packages/tuned/version.py").unlink()
    (tmp_path / ".answers/run/tuned-adm --version").write_text('{"code": 0, "output": "tuned-adm 2.20.0\\n"}')
    assert tuned.version(root) == "2.20.0"
