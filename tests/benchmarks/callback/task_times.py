# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes how long each round of a looped task took, as one JSON document, to the file that TASK_TIMES names."""
from __future__ import annotations

DOCUMENTATION = """
name: task_times
type: notification
short_description: Times of each round of looped tasks
description: For the project's own benchmarks.
"""

import json
import os
import time

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """{name of the task: [seconds of each round]}."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.times: dict[str, list[float]] = {}
        self.since = 0.0

    def v2_playbook_on_task_start(self, task: object, is_conditional: bool) -> None:
        self.since = time.monotonic()

    def v2_runner_item_on_ok(self, result: object) -> None:
        now = time.monotonic()
        self.times.setdefault(result.task.get_name(), []).append(now - self.since)
        self.since = now

    def v2_playbook_on_stats(self, stats: object) -> None:
        with open(os.environ["TASK_TIMES"], "w", encoding="utf-8") as file:
            json.dump(self.times, file)
