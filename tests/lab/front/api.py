# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As much of a Kubernetes client as the front end needs."""
from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any, Optional

from .errors import LabError
from .state import LabState

MERGE_PATCH = "application/merge-patch+json"
TIMEOUT_SECONDS = 30


class Api:
    """The lab's API server, as its admin."""

    def __init__(self, state: LabState) -> None:
        cluster = state.cluster()
        if cluster is None:
            raise LabError(f"Lab {state.name} is not running: bring it up with `lab up --name {state.name}`.")
        self.server: str = cluster["server"]
        self.token = state.admin_token()
        self.tls = ssl.create_default_context(cafile=str(state.ca_file()))

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path, None)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("PATCH", path, body)

    def _call(self, method: str, path: str, body: Optional[dict[str, Any]]) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data, method=method, headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": MERGE_PATCH, "Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=self.tls) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise LabError(f"The lab's API server refused {method} {path}: {_reason(error)}") from error
        except OSError as error:
            raise LabError(f"The lab's API server does not answer ({error}): "
                           "take the lab down and up again.") from error


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
