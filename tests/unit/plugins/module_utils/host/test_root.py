# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import root as module
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread, settings, whole


def test_files_are_read_below_the_folder(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "x").write_bytes(b" 12\n")
    root = Root(str(tmp_path))
    assert (root.text("/proc/x"), root.word("/proc/x"), root.number("/proc/x")) == (" 12\n", "12", 12)
    assert root.names("/proc") == ["x"] and root.there("/proc/x") and not root.there("/proc/y")
    assert root.first(["/proc/y", "/proc/x"]) == "/proc/x"


def test_what_is_not_there_is_none(tmp_path):
    root = Root(str(tmp_path))
    (tmp_path / "empty").write_text("\n")
    assert root.raw("/x") is root.text("/x") is root.word("/empty") is root.number("/empty") is root.target("/x") is None
    assert root.names("/x") == [] and root.text("/empty/below") is None


def test_a_name_with_a_nul_is_garbled(tmp_path):
    with pytest.raises(HostError) as error:
        Root(str(tmp_path)).text("/a\0b")
    assert error.value.kind == "garbled"


def test_a_folder_or_a_pipe_in_place_of_a_file_says_nothing_and_does_not_hang(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert Root(str(tmp_path)).text("/folder") is None and Root(str(tmp_path)).text("/pipe") is None


@pytest.mark.parametrize("number, kind", [(13, "denied"), (1, "denied"), (5, "failed"), (40, "failed")])
def test_what_may_not_be_read_is_told_with_its_name(tmp_path, monkeypatch, number, kind):
    def refuse(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(HostError) as error:
        Root(str(tmp_path)).text("/sys/kernel/debug/sched/preempt")
    assert error.value.kind == kind and "/sys/kernel/debug/sched/preempt" in error.value.message


def test_no_more_than_the_limit_is_read(tmp_path, monkeypatch):
    (tmp_path / "large").write_bytes(b"x" * 100000)
    assert len(Root(str(tmp_path)).raw("/large", 70000)) == 70000


def test_links_tell_their_last_part(tmp_path):
    (tmp_path / "driver").symlink_to("../../bus/pci/drivers/ice")
    assert Root(str(tmp_path)).target("/driver") == "ice"


def test_names_that_would_spoil_a_terminal_are_left_out(tmp_path):
    (tmp_path / "good").touch()
    (tmp_path / "b\x1b[2Jad").touch()
    assert Root(str(tmp_path)).names("/") == ["good"]


@pytest.mark.parametrize("text", ["", "-", "x", "1.5", "1" * 19, "\u0661"])
def test_what_is_no_number_is_garbled(text):
    with pytest.raises(HostError) as error:
        whole(text, "/sys/x")
    assert error.value.kind == "garbled" and "/sys/x" in error.value.message


def test_a_number_may_be_negative():
    assert whole("-1", "x") == -1


def test_settings_as_shells_have_them():
    assert settings("# A=0\nA=1\nB=\"two words\"\n[main]\nC='x'\nA=3\nnothing\n") == {"A": "3", "B": "two words", "C": "x"}
    assert settings(None) == {}


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), TypeError("x"), module.struct.error("x"),
                                   OverflowError("x")])
def test_a_document_that_is_not_what_it_should_be_is_an_entry(error):
    def reader():
        raise error

    unread = Unread()
    assert unread.attempt("devices/eth0", reader) is None
    assert unread.entries[0]["what"] == "devices/eth0" and unread.entries[0]["class"] == "garbled"


def test_a_classed_error_keeps_its_class_and_sentence():
    def reader(text):
        raise HostError("denied", text)

    unread = Unread()
    unread.attempt("x", reader, "No.")
    assert unread.entries == [{"what": "x", "class": "denied", "reason": "No."}]
