# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import threading
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import places
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Conflict, Denied, Garbled, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node


@pytest.fixture
def held(host):
    with places.at_work(host):
        places.take_lock(host, "run-1")
    return host


def test_the_lock_of_another_run_is_refused_unless_it_is_spelled_out(held):
    places.check_lock(held, "run-1", None)
    for takeover in (None, "", "run-3", "run-10", "RUN-1"):
        with pytest.raises(Conflict, match="Run run-1 is in progress on this node") as caught:
            places.check_lock(held, "run-2", takeover)
        assert caught.value.details == {"holder": "run-1"}
    places.check_lock(held, "run-2", "run-1")
    places.take_lock(held, "run-2")
    assert places.holder(held) == "run-2"


def test_a_run_that_waits_for_a_confirmation_is_not_taken_over(held):
    os.mkdir(held.at(places.run_folder("run-1")))
    held.lay(places.run_folder("run-1") + "/armed", "{}")
    with pytest.raises(Conflict, match="will undo itself"):
        places.check_lock(held, "run-2", "run-1")


@pytest.mark.parametrize("text", ("", "{}", "[]", '{"run_id": 5}', '{"run_id": "../x"}', "\x00", '{"run_id": "a b"}'))
def test_a_lock_that_names_nobody_counts_as_held(held, text):
    held.lay(places.LOCK, text)
    for call in (lambda: places.check_lock(held, "run-1", "run-1"), lambda: places.holder(held)):
        with pytest.raises(Garbled, match="names no run"):
            call()


def test_only_its_own_run_releases_it_and_the_folder_goes_with_the_last(held):
    assert not places.release_lock(held, "run-2") and places.holder(held) == "run-1"
    assert places.release_lock(held, "run-1") and not places.release_lock(held, "run-1")
    places.drop_base(held)
    assert not held.exists(places.BASE)


def test_one_process_at_a_time(host):
    order = []

    def second():
        with places.at_work(host):
            order.append("second")

    with places.at_work(host):
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    with places.at_work(host):
        with pytest.raises(Conflict, match="Another call changes this node"):
            with places.at_work(host, 0.1):
                pass


def test_who_waited_for_a_folder_that_went_away_makes_it_anew(host):
    entered = []

    def second():
        with places.at_work(host):
            entered.append(host.exists(places.BASE))

    with places.at_work(host):
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.1)
        places.drop_base(host)
    other.join()
    assert entered == [True]


def test_a_folder_that_others_may_write_in_is_refused(host):
    os.mkdir(host.at(places.BASE))
    os.chmod(host.at(places.BASE), 0o777)
    with pytest.raises(Refused, match="not a folder that belongs to this user alone"):
        places.check_base(host)
    os.rmdir(host.at(places.BASE))
    os.symlink("/tmp", host.at(places.BASE))
    with pytest.raises(Refused):
        places.check_base(host)


def test_without_root_a_host_is_not_changed(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Denied, match="use become"):
        places.check_base(Node())


@pytest.mark.parametrize("run_id", ("", "../x", "a/b", ".hidden", "lock", "a b", "x" * 65, "-x"))
def test_run_ids_that_cannot_be_folders(run_id):
    with pytest.raises(Refused):
        places.run_folder(run_id)


def test_a_runs_folder_goes_only_with_nothing_of_others_in_it(host):
    folder = places.run_folder("run-1")
    for name in ("armed", "journal.jsonl", ".fastpath-cilium.armed.tmp", "theirs"):
        host.lay(folder + "/" + name, "")
    assert not places.drop_run(host, "run-1") and os.listdir(host.at(folder)) == ["theirs"]
    os.unlink(host.at(folder + "/theirs"))
    assert places.drop_run(host, "run-1") and not host.exists(folder)
