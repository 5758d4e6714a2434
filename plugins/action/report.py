# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: prints the report as plain text, and keeps it in the record."""
from __future__ import annotations

import shutil
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import report
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments, failing_with_a_sentence

SPEC = {
    "facts": {"type": "dict"},
    "verdicts": {"type": "list", "elements": "dict"},
    "host_verdicts": {"type": "list", "elements": "dict"},
    "plan": {"type": "dict"},
    "result": {"type": "dict"},
    "run": {"type": "dict"},
    "width": {"type": "int"},
}


class ActionModule(ActionBase):
    """Documented in plugins/modules/report.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The text that was printed."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC)
        width = given["width"] or shutil.get_terminal_size((report.WIDTH, 24)).columns
        text = report.render(given["facts"], given["verdicts"], given["plan"], given["result"], width,
                             given["host_verdicts"])
        if given["run"] is not None:
            with failing_with_a_sentence():
                _keep(record.Run(str(given["run"].get("path"))), text)
        Display().display("\n" + text)
        return {**result, "changed": False, "text": text}


def _keep(run: record.Run, text: str) -> None:
    """Add to the report of this run: a later section belongs below an earlier one."""
    former = run.read_text(record.REPORT) + "\n" if run.has(record.REPORT) else ""
    run.write_text(record.REPORT, former + text)
