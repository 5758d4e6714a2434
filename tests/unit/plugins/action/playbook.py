# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs tasks through the real ansible-playbook: the only way to know that the plugins work in its collection loader."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[4]
FACTS = ROOT / "tests/fixtures/facts"


@dataclass
class Played:
    """`results`: the result of every task that was registered; `text`: all that was printed."""

    code: int
    text: str
    results: dict[str, Any] = field(default_factory=dict)


def collections_path() -> str:
    """Where this collection is found under its name."""
    for folder in [ROOT / ".ansible/collections", *map(Path, sys.path)]:
        if (folder / "ansible_collections/fastpath/cilium/galaxy.yml").exists():
            return str(folder)
    raise LookupError("fastpath.cilium is on no collections path: run `make venv`.")


def play(folder: Path, tasks: list[dict[str, Any]], *arguments: str, fixture: str = "1.13.4-snat-native",
         variables: dict[str, Any] | None = None) -> Played:
    """Play tasks with `facts` from a fixture; what a task registers comes back in `results`."""
    names = [task["register"] for task in tasks if "register" in task]
    keep = {"name": "Keep", "ansible.builtin.copy": {"dest": str(folder / "results.json"), "content": "{{ kept | to_json }}"},
            "vars": {"kept": "{{ dict(names | zip(names | map('extract', vars))) }}", "names": names}, "check_mode": False}
    document = [{
        "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [*tasks, keep],
        "vars": {"ansible_python_interpreter": sys.executable, **(variables or {}),
                 "facts": "{{ lookup('ansible.builtin.file', facts_file) | from_json }}",
                 "facts_file": str(FACTS / f"{fixture}.json")},
    }]
    (folder / "play.json").write_text(json.dumps(document))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections_path(), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "100",
                   "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0", "HOME": str(folder),
                   "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(folder / "play.json"), *arguments], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    results = folder / "results.json"
    return Played(done.returncode, done.stdout.decode(), json.loads(results.read_text()) if results.exists() else {})


def refused(folder: Path, *tasks: dict[str, Any], **more: Any) -> list[str]:
    """The messages of tasks that must all fail."""
    given = [{**task, "register": f"task_{number}", "ignore_errors": True} for number, task in enumerate(tasks)]
    played = play(folder, given, **more)
    assert "Traceback" not in played.text, played.text
    results = [played.results[task["register"]] for task in given]
    assert all(result["failed"] for result in results), results
    return [result["msg"] for result in results]
