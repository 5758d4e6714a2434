# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from pathlib import Path

import pytest

from bed import cli, places


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "CHECKOUT", tmp_path)
    return tmp_path


def test_defaults_of_up():
    args = cli.parser().parse_args(["up"])
    assert (args.name, args.count, args.suite, args.segment_mtu) == ("default", 2, "bookworm", 9000)
    assert args.watch_pid is None and args.lifetime == 4 * 3600


@pytest.mark.parametrize("words", [["up", "--count", "3"], ["up", "--count", "0"], ["up", "--count", "two"],
                                   ["segment", "--mtu", "1000"], ["segment"], ["up", "--suite", "sid"], []])
def test_what_cannot_be_is_refused(words: list[str], capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as refusal:
        cli.main(words)
    assert refusal.value.code == 2
    assert "usage: vm" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "Upper", "", "a-", "a" * 41])
def test_name_that_is_no_folder_is_refused(name: str, capsys: pytest.CaptureFixture):
    assert cli.main(["status", "--name", name]) == 1
    assert "is no name for a test bed" in capsys.readouterr().err


def test_scenario_name_with_underscore_will_do(capsys: pytest.CaptureFixture):
    assert cli.main(["status", "--name", "host_facts"]) == 3


@pytest.mark.parametrize("words", [["reset"], ["power-off", "--hard"], ["power-on"], ["ssh-config"],
                                   ["segment", "--mtu", "1500"], ["segment-connect", "vm1"]])
def test_bed_that_is_not_up_is_told(words: list[str], capsys: pytest.CaptureFixture):
    assert cli.main([words[0], "--name", "none", *words[1:]]) == 1
    assert "There is no test bed none: bring it up with `vm up --name none`." in capsys.readouterr().err


def test_status_and_down_of_no_bed(capsys: pytest.CaptureFixture):
    assert cli.main(["status", "--name", "none", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {"name": "none", "running": False}
    assert cli.main(["down", "--name", "none"]) == 0
    assert capsys.readouterr().out == "There is no test bed none.\n"
