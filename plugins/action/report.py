# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: prints the report as plain text, and keeps it in the record."""
from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import report
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "facts": {"type": "dict"},
    "verdicts": {"type": "list", "elements": "dict"},
    "host_verdicts": {"type": "list", "elements": "dict"},
    "plan": {"type": "dict"},
    "result": {"type": "dict"},
    "run": {"type": "dict"},
    "width": {"type": "int"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/report.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The text that was printed."""
        width = given["width"] or shutil.get_terminal_size((report.WIDTH, 24)).columns
        text = report.render(given["facts"], given["verdicts"], given["plan"], given["result"], width,
                             given["host_verdicts"])
        if given["run"] is not None:
            _keep(record.Run(str(given["run"].get("path"))), text)
        Display().display("\n" + text)
        return {"text": text}


def _keep(run: record.Run, text: str) -> None:
    """Add to the report of this run: a later section belongs below an earlier one."""
    former = run.read_text(record.REPORT) + "\n" if run.has(record.REPORT) else ""
    run.write_text(record.REPORT, former + text)
