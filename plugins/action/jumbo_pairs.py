# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: fails with each pair of hosts over which full-size packets did not go, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import jumbo
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep, fail

SPEC = {
    "hosts": {"type": "dict", "required": True},
    "answers": {"type": "dict", "required": True},
}
MOST_TOLD = 10


class ActionModule(ControllerStep):
    """Documented in plugins/modules/jumbo_pairs.py."""

    spec = SPEC

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Succeeds where every host reached every other one."""
        pairs = jumbo.failed_pairs(given["hosts"], given["answers"])
        if pairs:
            more = f" And {len(pairs) - MOST_TOLD} more." if len(pairs) > MOST_TOLD else ""
            fail(f"Full-size packets did not get through: {' '.join(pairs[:MOST_TOLD])}{more}", pairs=pairs)
        return {"pairs": []}
