# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what a probe proves, on the controller; can fail unless it passed, and keep it in the run's record."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.document import document
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.verdict import judge
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

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


class ActionModule(ControllerStep):
    """Documented in plugins/modules/nodeport_verdict.py."""

    spec = SPEC
    rules = dict(required_together=[("run", "name")])

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The verdict, which is no failure by itself."""
        probed = document(given["workload"], given["answers"], given["heard"])
        verdict = judge(probed, given["facts"], given["wanted"], bool(given["annotated"]))
        if given["run"] is not None:
            record.Run(str(given["run"].get("path"))).write(given["name"], {"verdict": verdict, "probe": probed})
        return {"verdict": verdict}
