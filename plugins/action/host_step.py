# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what is to be done on hosts of a plan, or whether it is done, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_check
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep, fail

SPEC = {
    "plan": {"type": "dict", "required": True},
    "facts": {"type": "dict", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "stage": {"type": "str", "required": True, "choices": ["before", "after"]},
    "tunings": {"type": "raw"},
    "profile": {"type": "str"},
}


class ActionModule(ControllerStep):
    """Documented in plugins/modules/host_step.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The steps, or what is pending."""
        chosen = policy.parse(given["tunings"], profile=given["profile"])
        steps: list[dict[str, Any]] = []
        pending: dict[str, list[str]] = {}
        if given["stage"] == "before":
            steps, failures = host_check.before(given["plan"], given["facts"], given["hosts"], chosen)
        else:
            pending, failures = host_check.after(given["plan"], given["facts"], given["hosts"], chosen)
        if failures:
            fail(" ".join(failures), failures=failures)
        return {"steps": steps, "pending": pending}
