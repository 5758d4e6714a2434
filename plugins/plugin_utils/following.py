# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Shows what a module that waits writes into its progress file, while it waits."""
from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

PAUSE = 0.5  # seconds


def run_followed(action: ActionBase, module: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
    """The result of a module of this collection that knows the option `progress`, its lines shown meanwhile."""
    arguments = dict(action._task.args)
    with followed(arguments, action._connection.transport == "local"):
        return action._execute_module(module_name=f"fastpath.cilium.{module}", module_args=arguments, task_vars=task_vars)


@contextmanager
def followed(arguments: dict[str, Any], local: bool) -> Iterator[None]:
    """Gives the module a file to write to and shows its lines; a file of the user's own, or far away, is left alone."""
    if arguments.get("progress") or not local:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="fastpath-") as folder:
        arguments["progress"] = str(Path(folder) / "progress")
        over = threading.Event()
        follower = threading.Thread(target=_follow, args=(Path(arguments["progress"]), over), daemon=True)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()


def _follow(path: Path, over: threading.Event) -> None:
    """Show each line once it is whole, until the end."""
    shown = 0
    while True:
        last = over.wait(PAUSE)
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        for line in lines[shown:]:
            Display().display(f"  {line}")
        shown = len(lines)
        if last:
            return
