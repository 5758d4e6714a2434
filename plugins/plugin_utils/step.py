# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the action plugins have in common: arguments that are checked, and errors that are one sentence."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
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


@contextlib.contextmanager
def failing_with_a_sentence() -> Iterator[None]:
    """Errors that are meant for the user end the task with their message alone."""
    try:
        yield
    except (JournalError, PolicyError, RecordError) as error:
        fail(str(error))
