# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What does reading a host cost, against `ansible -m ping` on the same host in the same run? Prints both and the ratio.

Run from the checkout: `python tests/benchmarks/host_info.py [HOST] [ROUNDS]`. HOST is one that ssh reaches with Python 3.8
or later; without it this machine is read without ssh, where the ratio is at its worst, as no connection is part of it. The
two take turns, so that other load falls on both. Exit code 1 when reading takes more than four times as long as ping.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOO_MUCH = 4.0
TURNS = 3
MODULES = {"ping": "ansible.builtin.ping", "host_info": "fastpath.cilium.host_info"}


def playbook(rounds: int) -> list[dict]:
    """Both modules, by turns; each task has its rounds."""
    tasks = [{"name": name, module: {}, "loop": list(range(rounds)), "loop_control": {"label": ""}}
             for _turn in range(TURNS) for name, module in MODULES.items()]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


def inventory(host: str | None) -> list[str]:
    """Arguments that name the host."""
    here = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    return ["-i", f"{host},"] if host else here


def measured(host: str | None, rounds: int) -> dict[str, list[float]]:
    """{module: [seconds]}, without the first round of each turn, which sets up the connection."""
    with tempfile.TemporaryDirectory() as folder:
        book, times = Path(folder) / "book.json", Path(folder) / "times.json"
        book.write_text(json.dumps(playbook(rounds + 1)), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *inventory(host), str(book)]
        env = dict(os.environ, ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).with_name("callback")), TASK_TIMES=str(times),
                   ANSIBLE_CALLBACKS_ENABLED="task_times", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
                   ANSIBLE_PIPELINING="true")
        subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        found = json.loads(times.read_text(encoding="utf-8"))
    return {name: [took for place, took in enumerate(found[name]) if place % (rounds + 1)] for name in MODULES}


def main(host: str | None, rounds: int) -> int:
    times = measured(host, rounds)
    middle = {name: statistics.median(held) for name, held in times.items()}
    for name, held in times.items():
        print(f"{name:10} {len(held)} rounds   median {middle[name] * 1000:6.0f} ms   least {min(held) * 1000:6.0f} ms")
    ratio = middle["host_info"] / middle["ping"]
    print(f"ratio {ratio:.2f}{'   too much' if ratio > TOO_MUCH else ''}")
    return 1 if ratio > TOO_MUCH else 0


if __name__ == "__main__":
    named = [word for word in sys.argv[1:] if not word.isdigit()]
    counts = [int(word) for word in sys.argv[1:] if word.isdigit()]
    sys.exit(main(named[0] if named else None, counts[0] if counts else 5))
