# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.take_back import failures, preview, public, take_back

SOMAXCONN = "/proc/sys/net/core/somaxconn"
OPS = [{"kind": "value", "path": SOMAXCONN, "value": "4096"}, {"kind": "link", "device": "eth0", "mtu": 9000, "cuts_off": False},
       {"kind": "irq_affinity", "irq": 24, "cpus": [1]},
       {"kind": "file", "path": "/etc/sysctl.d/10-site.conf", "content": "ours\n"}]


@pytest.fixture
def done(host):
    apply(host, Request("run-1", [OPS[0], OPS[2], OPS[3]]))
    return host


def outcomes(host, check=False):
    found = (preview if check else take_back)(host, Journal(host, "run-1"))
    return {one["key"].split()[0]: one["outcome"] for one in found}


def test_all_goes_back_the_last_first_and_a_second_time_there_is_nothing_to_do(done):
    found = take_back(done, Journal(done, "run-1"))
    assert [one["key"].split()[0] for one in found] == ["file", "irq_affinity", "value"]
    assert found[2] == {"key": "value " + SOMAXCONN, "kind": "value", "outcome": "restored", "former": "128", "found": "4096",
                        "reason": None, "texts": ("4096", "128")}
    assert "texts" not in public(found)[0] and failures(found) == ""
    assert take_back(done, Journal(done, "run-1")) == []


def test_check_mode_tells_and_leaves_it(done):
    assert outcomes(done, check=True) == outcomes(done, check=True) == {"file": "restored", "irq_affinity": "restored", "value": "restored"}
    assert done.text(SOMAXCONN) == "4096\n"


def test_what_somebody_else_changed_since_is_kept_and_told_each_time(done):
    done.lay(SOMAXCONN, "777\n")
    assert outcomes(done)["value"] == "kept" and done.text(SOMAXCONN) == "777\n"
    assert outcomes(done) == {"value": "kept"}
    done.lay(SOMAXCONN, "128\n")
    assert outcomes(done) == {"value": "in_place"} and outcomes(done) == {}


def test_what_went_back_by_itself_is_in_place_and_what_is_not_there_any_more_is_gone(done):
    done.lay(SOMAXCONN, "128\n")
    import shutil
    shutil.rmtree(done.at("/proc/irq/24"))
    assert outcomes(done) == {"file": "restored", "irq_affinity": "gone", "value": "in_place"}
    assert outcomes(done) == {}


def test_one_that_fails_does_not_keep_the_others_and_can_be_tried_again(done, monkeypatch):
    monkeypatch.setattr(done, "put", lambda name, text: None)
    found = take_back(done, Journal(done, "run-1"))
    assert [one["outcome"] for one in found] == ["restored", "failed", "failed"]
    assert "is 4096 after it was put back to 128" in failures(found)
    monkeypatch.undo()
    assert outcomes(done) == {"irq_affinity": "restored", "value": "restored"}


def test_after_a_reboot_the_kernels_state_is_its_own_and_files_still_go_back(done):
    done.reboot("boot-2")
    done.lay(SOMAXCONN, "512\n")  # the new boot's own
    assert outcomes(done) == {"file": "restored", "irq_affinity": "in_place", "value": "reset"}
    assert done.text(SOMAXCONN) == "512\n"


def test_what_a_file_of_ours_made_of_the_next_boot_goes_back_too(done):
    done.reboot("boot-2")
    done.lay(SOMAXCONN, "4096\n")
    assert outcomes(done)["value"] == "restored" and done.text(SOMAXCONN) == "128\n"


def test_only_what_came_after_a_place_goes_back_to_what_was_there_then(done):
    place = Journal(done, "run-1").place
    apply(done, Request("run-1", [dict(OPS[0], value="8192")]))
    journal = Journal(done, "run-1")
    assert [one["outcome"] for one in take_back(done, journal, place)] == ["restored"]
    assert done.text(SOMAXCONN) == "4096\n" and Journal(done, "run-1").first("value " + SOMAXCONN) == {"text": "128"}
    assert outcomes(done) == {"file": "restored", "irq_affinity": "restored", "value": "restored"}
    assert done.text(SOMAXCONN) == "128\n"


def test_a_journal_with_an_op_that_is_none_fails_that_one_only(done):
    Journal(done, "run-1").add({"event": "begin", "key": "x", "op": {"kind": "new"}, "former": {}, "boot_id": "boot-1"},
                               {"event": "begin", "key": "y", "op": OPS[1], "former": [], "boot_id": "boot-1"})
    found = {one["key"]: one["outcome"] for one in take_back(done, Journal(done, "run-1"))}
    assert found.pop("x") == found.pop("y") == "failed" and set(found.values()) == {"restored"}
