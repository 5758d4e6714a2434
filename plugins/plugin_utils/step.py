# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the action plugins have in common: arguments that are checked, and errors that are one sentence."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.jumbo import JumboError
from ansible_collections.fastpath.cilium.plugins.plugin_utils.journal import JournalError
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import PolicyError
from ansible_collections.fastpath.cilium.plugins.plugin_utils.record import RecordError

MOST_CHARACTERS = 4000


def arguments(action: ActionBase, spec: dict[str, Any], **rules: Any) -> dict[str, Any]:
    """The task's arguments, checked and with defaults; every option of the spec has a key.

    Raises AnsibleActionFail.
    """
    _result, given = action.validate_argument_spec(spec, **rules)
    return {name: given.get(name) for name in spec}


def fail(message: str, **result: Any) -> NoReturn:
    """End the task with a message and more keys for its result."""
    # Without the error it came from: Ansible would print that as a second sentence of the same words.
    raise AnsibleActionFail(one_line(message, MOST_CHARACTERS), result=result) from None


class ControllerStep(ActionBase):
    """A step that runs on the controller and changes nothing outside of it.

    A plugin gives the `spec` of its options and the `rules` between them, as `arguments` takes both, and says in `answer`
    what the step returns besides `changed`.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    spec: Mapping[str, Any] = MappingProxyType({})
    rules: Mapping[str, Any] = MappingProxyType({})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result."""
        result = super().run(tmp, task_vars)
        given = arguments(self, dict(self.spec), **self.rules)
        with failing_with_a_sentence():
            return {**result, "changed": False, **self.answer(given, task_vars or {})}

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """What the step returns. Errors that `failing_with_a_sentence` knows end it with their message."""
        raise NotImplementedError


@contextlib.contextmanager
def failing_with_a_sentence() -> Iterator[None]:
    """Errors that are meant for the user end the task with their message alone."""
    try:
        yield
    except (JournalError, JumboError, PolicyError, RecordError) as error:
        fail(str(error))
