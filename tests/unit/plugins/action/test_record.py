# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import stat

from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import play, refused

RUN = "{{ opened.run }}"


def task(name, **arguments):
    return {"fastpath.cilium.record": arguments, "register": name}


def entry(name, event, **more):
    return task(name, state="journal", run=RUN, entry={"step": "1-dsr-switch", "event": event, **more})


def test_a_run_from_open_to_load_also_in_check_mode(tmp_path):
    folder = str(tmp_path / "runs")
    played = play(tmp_path, [
        task("opened", state="open", dir=folder, playbook="tune"),
        task("written", state="write", run=RUN, documents={"facts": "{{ facts }}", "verdicts": []}),
        entry("started", "started", former_revision="{{ facts.release.revision }}", nodes=["node-2", "node-3"]),
        entry("applied", "applied", revision=4),
        entry("rolled", "rolled", nodes={"node-2": {"state": "restarted_verified"}, "node-3": {"state": "untouched"}}),
        task("closed", state="close", run=RUN, outcome="failed", message="It did not come back."),
        task("loaded", state="load", dir=folder),
    ], "--check")
    assert played.code == 0, played.text
    assert not any(result["changed"] for result in played.results.values())
    result, loaded = played.results["closed"]["result"], played.results["loaded"]
    assert result["nodes"] == {"node-1": "untouched", "node-2": "unknown", "node-3": "untouched"}
    assert loaded["result"] == result and loaded["run"] == played.results["opened"]["run"]
    undo, = loaded["undo"]
    assert (undo["former_revision"], undo["revision"], undo["nodes"]) == (3, 4, ["node-3", "node-2"])
    path = tmp_path / "runs" / result["run_id"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert json.loads((path / "result.json").read_text()) == result


def test_bad_arguments_are_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    run = {"id": "x", "path": str(tmp_path / "20261123T225241Z-09af3c")}
    messages = refused(
        tmp_path,
        task("a", state="open", dir="/nowhere"),
        task("b", state="opened"),
        task("c", state="open", dir=str(tmp_path / "file"), playbook="tune"),
        task("d", state="journal", run=run, entry={"event": "started"}),
        task("e", state="journal", run=run, entry={"event": "done", "step": "s"}),
        task("f", state="close", run=run, outcome="fine"),
        task("g", state="load", dir=str(tmp_path), run_id="../../etc"),
        task("h", state="write", run={"path": "/etc"}, documents={}),
        task("i", state="write", run={"path": "/etc"}, documents={"passwd": 1}),
    )
    for message, words in zip(messages, (
        "playbook", "value of state must be one of", "fastpath_record_dir", "needs step", "fastpath_record_dir",
        "value of outcome must be one of", "no run ../../etc", "no run folder", "no run folder",
    )):
        assert words in message, message
