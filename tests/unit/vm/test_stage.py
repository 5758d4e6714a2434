# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stage `molecule` of tests/tools/run.py."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import run  # noqa: E402


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two scenarios, and programs that say nothing."""
    for name in ("default", "other"):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").touch()
    program(tmp_path / "bin/molecule", f'echo "$3 $VM_WATCH_PID" >> {tmp_path}/tested; [ "$3" = default ]')
    program(tmp_path / "tests/vm/vm", f"echo $1 >> {tmp_path}/asked; echo '{{}}'")
    monkeypatch.setattr(run, "TOP", tmp_path)
    monkeypatch.setattr(run, "BIN", tmp_path / "bin")
    monkeypatch.setattr(run, "pytest", lambda *arguments: run.Outcome(passed=3) if arguments[0] == "tests/vm" else None)
    return tmp_path


def program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def test_every_scenario_is_run_and_counted(checkout: Path):
    outcome = run.molecule()
    assert (outcome.passed, outcome.failed, outcome.skipped) == (4, 1, [])
    assert (checkout / "asked").read_text(encoding="utf-8").split() == ["tools", "image"]
    tested = (checkout / "tested").read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in tested] == ["default", "other"]


def test_machines_end_with_the_run(checkout: Path):
    run.molecule()
    assert (checkout / "tested").read_text(encoding="utf-8").split()[1] == str(run.os.getpid())


def test_scenarios_are_passed_over_by_name_with_the_reason(checkout: Path):
    program(checkout / "tests/vm/vm", "echo '{\"usable\": false, \"reason\": \"it takes root\"}'; exit 3")
    outcome = run.molecule()
    assert (outcome.passed, outcome.failed) == (0, 0)
    assert outcome.skipped == [f"{name}: it takes root" for name in ("tests.vm", "molecule.default", "molecule.other")]
    assert not (checkout / "tested").exists()


def test_image_that_cannot_be_built_is_a_failure(checkout: Path):
    program(checkout / "tests/vm/vm", '[ "$1" = tools ]')
    outcome = run.attempt(run.molecule)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (0, 1, [])
    assert not (checkout / "tested").exists()


def test_without_being_asked_for_it_is_passed_over_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    ran = []
    stages = {name: lambda name=name: ran.append(name) or run.Outcome(passed=1) for name in ("unit", "molecule")}
    monkeypatch.setattr(run, "STAGES", stages)
    assert run.main([]) == 0 and ran == ["unit"]
    assert "skipped: molecule: virtual machines" in capsys.readouterr().out
    assert run.main(["molecule"]) == 0 and ran == ["unit", "molecule"]
