# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: what is to be done on hosts of a plan, or whether it is done, on the controller."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_check
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments, fail, failing_with_a_sentence

SPEC = {
    "plan": {"type": "dict", "required": True},
    "facts": {"type": "dict", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "stage": {"type": "str", "required": True, "choices": ["before", "after"]},
    "tunings": {"type": "raw"},
    "profile": {"type": "str"},
}


class ActionModule(ActionBase):
    """Documented in plugins/modules/host_step.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The steps, or what is pending."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC)
        with failing_with_a_sentence():
            chosen = policy.parse(given["tunings"], profile=given["profile"])
        steps: list[dict[str, Any]] = []
        pending: dict[str, list[str]] = {}
        if given["stage"] == "before":
            steps, failures = host_check.before(given["plan"], given["facts"], given["hosts"], chosen)
        else:
            pending, failures = host_check.after(given["plan"], given["facts"], given["hosts"], chosen)
        if failures:
            fail(" ".join(failures), failures=failures)
        return {**result, "changed": False, "steps": steps, "pending": pending}
