# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import progress


def test_lines_are_whole_and_clean(tmp_path) -> None:
    file = tmp_path / "progress"
    said = progress.Progress(str(file))
    said.say("node-1: \x1b[31mCrashLoop\nBackOff")
    said.say("node-2: done")
    first, second = file.read_text().splitlines()
    assert first.startswith("node-1: ") and "\x1b" not in first and "BackOff" in first
    assert second == "node-2: done"


def test_without_a_file_nothing_is_said() -> None:
    progress.Progress(None).say("node-1: done")


def test_a_file_that_cannot_be_written_does_not_stop_the_work(tmp_path) -> None:
    said = progress.Progress(str(tmp_path / "absent" / "progress"))
    said.say("node-1: done")
    assert said.path is None


def test_waiting_is_said_again_only_after_a_while(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, clock = tmp_path / "progress", [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    said = progress.Progress(str(file))
    said.waiting("node-1", "its agent is not Ready")
    assert not file.exists()
    clock[0] += progress.AGAIN
    said.waiting("node-1", "its agent is not Ready")
    said.waiting("node-1", "its agent is not Ready")
    assert file.read_text().splitlines() == ["node-1: its agent is not Ready"]
