# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what a probe proves, on the controller; can fail unless it passed, and keep it in the run's record."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.document import document
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.verdict import judge
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments, failing_with_a_sentence

SPEC = {
    "workload": {"type": "dict", "required": True},
    "answers": {"type": "list", "elements": "dict", "required": True},
    "heard": {"type": "dict"},
    "facts": {"type": "dict"},
    "wanted": {"type": "str", "choices": ["snat", "dsr", "hybrid"]},
    "annotated": {"type": "bool"},
    "run": {"type": "dict"},
    "name": {"type": "str"},
}


class ActionModule(ActionBase):
    """Documented in plugins/modules/nodeport_verdict.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The verdict, which is no failure by itself."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC, required_together=[("run", "name")])
        probed = document(given["workload"], given["answers"], given["heard"])
        verdict = judge(probed, given["facts"], given["wanted"], bool(given["annotated"]))
        if given["run"] is not None:
            with failing_with_a_sentence():
                record.Run(str(given["run"].get("path"))).write(given["name"], {"verdict": verdict, "probe": probed})
        return {**result, "changed": False, "verdict": verdict}
