# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state folder of one lab and what is written there.

`lock` is held by the running supervisor and holds its process id; `cluster.json` is the supervisor's (address, ports);
`lab.json` is the front end's: what the lab was asked to be.
"""
from __future__ import annotations

import csv
import json
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Callable, Optional

from . import places
from .errors import LabError
from .locks import exclusive, is_locked


class LabState:
    """State folder of lab `name`."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
            raise LabError(f"{name!r} is no name for a lab: use at most 40 lower-case letters, digits and dashes.")
        self.name = name
        self.folder = places.state(name)
        self.kubeconfig = self.folder / "kubeconfig"
        self.logs = self.folder / "logs"

    def front_lock(self, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
        """One front end at a time changes this lab."""
        return exclusive(self.folder / "front.lock", on_wait)

    def running(self) -> bool:
        return is_locked(self.folder / "lock")

    def supervisor(self) -> Optional[int]:
        """Process id of the running supervisor, None where none runs."""
        text = _read(self.folder / "lock").strip()
        return int(text) if self.running() and text.isdigit() else None

    def cluster(self) -> Optional[dict[str, Any]]:
        """Address and ports, None until the nodes are registered and again after the end."""
        text = _read(self.folder / "cluster.json")
        return json.loads(text) if text and self.running() else None

    def admin_token(self) -> str:
        with open(self.folder / "pki" / "tokens.csv", encoding="utf-8", newline="") as handle:
            return next(row[0] for row in csv.reader(handle) if row[1] == "admin")

    def ca_file(self) -> Path:
        return self.folder / "pki" / "ca.crt"

    def request(self) -> dict[str, Any]:
        """What `up` was asked for last; empty before the first."""
        text = _read(self.folder / "lab.json")
        return json.loads(text) if text else {}

    def save_request(self, request: dict[str, Any]) -> None:
        path = self.folder / "lab.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps(request, indent=2) + "\n", encoding="utf-8")
        os.chmod(new, 0o600)  # values given with --set may be secret
        os.replace(new, path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
