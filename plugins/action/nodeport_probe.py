# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: runs the module of the same name, and shows its progress while it waits."""
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.plugin_utils.following import run_followed


class ActionModule(ActionBase):
    """Documented in plugins/modules/nodeport_probe.py."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result."""
        result = super().run(tmp, task_vars)
        result.update(run_followed(self, "nodeport_probe", task_vars))
        return result
