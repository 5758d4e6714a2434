# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.record import RecordError, Run
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

STARTED = {"event": "started", "step": "1-dsr-switch", "former_revision": 3, "nodes": ["node-2"]}


@pytest.fixture
def run(tmp_path):
    return record.start(tmp_path / "runs", "tune")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_everything_is_for_its_owner_only_whatever_the_umask(tmp_path):
    former = os.umask(0)
    try:
        run = record.start(tmp_path / "deep" / "runs", "audit")
        run.write("facts", {"a": 1})
        run.append(STARTED)
        run.end("in_line")
    finally:
        os.umask(former)
    assert mode(run.path) == mode(run.path.parent) == 0o700
    names = sorted(os.listdir(run.path))
    assert names == ["facts.json", "journal.jsonl", "result.json", "run.json"], "no temporary file is left"
    assert {mode(run.path / name) for name in names} == {0o600}


def test_ids_sort_by_time_and_are_what_a_run_is_found_by(run):
    assert record.RUN_ID.match(run.id)
    other = record.start(run.path.parent, "tune")
    assert {found.id for found in record.runs(run.path.parent)} == {run.id, other.id}
    assert record.find(run.path.parent, run.id).path == run.path
    with pytest.raises(RecordError, match="no run that changed something"):
        record.find(run.path.parent)
    other.append(STARTED)
    assert record.find(run.path.parent).id == other.id


@pytest.mark.parametrize("name", ["../evil", "a/b", "result", "run", "", "A", ".hidden", "x" * 80, "a\n"])
def test_documents_stay_in_the_folder_and_off_its_own_files(run, name):
    with pytest.raises(RecordError):
        run.write(name, {})
    assert sorted(os.listdir(run.path)) == ["run.json"]


def test_links_are_not_followed(run, tmp_path):
    target = tmp_path / "target"
    target.write_text("kept")
    for name in ("facts.json", "journal.jsonl"):
        (run.path / name).symlink_to(target)
    with pytest.raises(RecordError):
        run.append(STARTED)
    with pytest.raises(RecordError):
        run.read("facts.json")
    run.write("facts", {"a": 1})
    assert target.read_text() == "kept" and not (run.path / "facts.json").is_symlink()
    link = run.path.parent / "20260101T000000Z-aaaaaa"
    link.symlink_to(run.path)
    with pytest.raises(RecordError):
        Run(link).write("facts", {})
    assert link.name not in {found.id for found in record.runs(run.path.parent)}


def test_a_pipe_in_the_place_of_a_file_is_refused(run):
    os.mkfifo(run.path / "journal.jsonl")
    for use in (lambda: run.append(STARTED), run.journal):
        with pytest.raises(RecordError):
            use()


def test_what_is_read_back_is_what_was_written_and_nothing_is_evaluated(run):
    hostile = {"a": "{{ lookup('pipe', 'touch /tmp/owned') }}", "b": "\x1b[2J\ud800", "c": [1, None, True]}
    run.write("facts", hostile)
    assert run.read("facts.json") == hostile


def test_a_failed_write_leaves_the_former_file(run, monkeypatch):
    run.write("facts", {"a": 1})

    def full(handle, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record.os, "write", full)
    with pytest.raises(RecordError, match="No space left"):
        run.write("facts", {"a": 2})
    monkeypatch.undo()
    assert run.read("facts.json") == {"a": 1} and len(os.listdir(run.path)) == 2


def test_an_entry_that_was_cut_short_is_left_out_and_written_over(run):
    run.append(STARTED)
    with open(run.path / "journal.jsonl", "a", encoding="utf-8") as file:
        file.write('{"event": "applied", "st')
    assert [entry["event"] for entry in run.journal()] == ["started"]
    run.append({"event": "done", "step": "1-dsr-switch"})
    assert [entry["event"] for entry in run.journal()] == ["started", "done"]


def test_a_damaged_entry_in_the_middle_is_an_error_not_a_guess(run):
    (run.path / "journal.jsonl").write_text('{"event": "started"}\ngarbage\n{"event": "done"}\n')
    with pytest.raises(RecordError, match="Line 2"):
        run.journal()


def test_a_kill_at_any_moment_leaves_whole_files(tmp_path):
    """A writer is killed again and again; every file that is there can be read."""
    code = (
        "import sys, itertools\n"
        "from ansible_collections.fastpath.cilium.plugins.plugin_utils import record\n"
        "run = record.start(sys.argv[1], 'tune')\n"
        "print(run.path, flush=True)\n"
        "for number in itertools.count():\n"
        "    run.write('facts', {'schema': 1, 'padding': 'x' * 50000, 'number': number})\n"
        "    run.append({'event': 'rolled', 'step': 's', 'nodes': {}, 'padding': 'y' * 5000})\n")
    for delay in (0.02, 0.05, 0.11):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment) as writer:
            run = Run(writer.stdout.readline().decode().strip())
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(delay)
            writer.kill()
        run.journal()
        if run.has("facts.json"):
            assert len(run.read("facts.json")["padding"]) == 50000


def test_the_result_is_put_together_from_the_folder(run):
    run.write("facts", model.load("1.13.4-snat-native"))
    run.write("verdicts", [{"tuning": "dsr", "state": "DRIFT", "reason": "r", "more": 1}])
    run.append(STARTED)
    result = run.end("failed", "It did not come back.")
    assert result == json.loads((run.path / "result.json").read_text())
    assert result["cluster"]["version"] == "v1.26.3"
    assert result["nodes"] == {"node-1": "untouched", "node-2": "unknown", "node-3": "untouched"}
    assert result["tunings"] == [{"id": "dsr", "state": "DRIFT", "reason": "r"}]
    assert (result["schema"], result["run_id"], result["playbook"], result["outcome"]) == (1, run.id, "tune", "failed")
    assert [step["id"] for step in result["steps"]] == ["1-dsr-switch"]


def test_what_was_written_after_the_steps_counts(run):
    run.write("facts", model.load("1.13.4-snat-native"))
    run.write("verdicts", [{"tuning": "dsr", "state": "DRIFT"}])
    run.write("verdicts_after", [{"tuning": "dsr", "state": "OK"}])
    assert [tuning["state"] for tuning in run.end("in_line")["tunings"]] == ["OK"]


def test_a_rollback_tells_the_nodes_of_the_run_it_took_back(run):
    run.write("facts", model.load("1.13.4-snat-native"))
    run.append(STARTED)
    run.append({"event": "undone", "step": "1-dsr-switch"})
    rollback = record.start(run.path.parent, "rollback")
    result = rollback.end("rolled_back", None, run)
    assert (result["run_id"], result["playbook"]) == (rollback.id, "rollback")
    assert result["nodes"] == {"node-1": "untouched", "node-2": "rolled_back", "node-3": "untouched"}
    assert result["steps"][0]["state"] == "undone"


def test_loading_gives_what_a_rollback_needs_also_of_a_run_that_was_killed(run):
    run.append(STARTED)
    loaded = run.load()
    assert loaded["result"] is None and loaded["plan"] is None and loaded["started_by"]["playbook"] == "tune"
    assert loaded["undo"][0]["former_revision"] == 3 and loaded["undo"][0]["nodes"] == ["node-2"]


@pytest.mark.parametrize("content", ["", "garbage", "[]", '{"schema": 99}'])
def test_a_record_that_is_none_is_refused(run, content):
    (run.path / "run.json").write_text(content)
    with pytest.raises(RecordError):
        run.end("in_line")


def test_an_outcome_that_is_none_is_refused(run):
    with pytest.raises(RecordError, match="known are"):
        run.end("fine")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="fastpath_record_dir"):
        record.start(tmp_path / "file" / "runs", "tune")
    with pytest.raises(RecordError, match="fastpath_record_dir"):
        record.runs(tmp_path / "missing")
    with pytest.raises(RecordError, match="no run folder"):
        Run(tmp_path)


def test_patches_are_written_as_yaml_under_safe_names(tmp_path):
    run = record.start(tmp_path, "audit")
    run.write_yaml("patch-1", "a: 1\n")
    assert (run.path / "patch-1.yaml").read_text() == "a: 1\n" and (run.path / "patch-1.yaml").stat().st_mode & 0o077 == 0
    for name in ("../patch", "", None, "Patch"):
        with pytest.raises(record.RecordError):
            run.write_yaml(name, "")
