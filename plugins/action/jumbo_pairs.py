# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: fails with each pair of hosts over which full-size packets did not go, on the controller."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import jumbo
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import arguments, fail

SPEC = {
    "hosts": {"type": "dict", "required": True},
    "answers": {"type": "dict", "required": True},
}
MOST_TOLD = 10


class ActionModule(ActionBase):
    """Documented in plugins/modules/jumbo_pairs.py."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Succeeds where every host reached every other one."""
        result = super().run(tmp, task_vars)
        given = arguments(self, SPEC)
        pairs = jumbo.failed_pairs(given["hosts"], given["answers"])
        if pairs:
            more = f" And {len(pairs) - MOST_TOLD} more." if len(pairs) > MOST_TOLD else ""
            fail(f"Full-size packets did not get through: {' '.join(pairs[:MOST_TOLD])}{more}", pairs=pairs)
        return {**result, "changed": False, "pairs": []}
