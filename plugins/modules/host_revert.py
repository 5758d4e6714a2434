#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module host_revert: takes back what a run changed on a host."""
from __future__ import annotations

DOCUMENTATION = r"""
module: host_revert
short_description: Take back what a run changed on a host
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - Brings back everything that M(fastpath.cilium.host_apply) changed in a run, the last op first, from the journal on the
    host. Files get their former bytes, mode, owner, SELinux label and extended attributes; what did not exist is removed.
  - What somebody else has changed since is left as it is, and told.
  - Nothing of the run is left on the host, no journal, no lock and no unit. Taking a run back twice changes nothing.
options:
  run_id:
    description: Id of the run.
    type: str
    required: true
  journal:
    description:
      - What happens to the run's journal on the host when all is done. V(auto) removes it, unless something of somebody else
        was left; V(remove) removes it then as well; V(keep) never does.
      - It always stays when something could not be taken back.
    type: str
    choices: [auto, remove, keep]
    default: auto
  root:
    description: Folder that stands for V(/) on this host, for tests. Devices and commands are always the machine's own.
    type: path
    default: /
  takeover:
    description: Id of another run in progress on this host whose lock is to be taken over.
    type: str
requirements:
  - root on the host
attributes:
  check_mode:
    description: Tells what would be taken back.
    support: full
  diff_mode:
    description: Shows for each op what is there and what comes back.
    support: full
"""

EXAMPLES = r"""
- name: Back to what was there before the run
  fastpath.cilium.host_revert:
    run_id: 20260101T120000Z-4f2a
  become: true
"""

RETURN = r"""
ops:
  description: What became of each op of the run, in the order of the way back.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: What the op is about, such as C(value /proc/sys/net/core/somaxconn).
      type: str
    kind:
      description: Kind of the op.
      type: str
    outcome:
      description:
        - V(restored), or V(in_place) when the former state was there already, V(reset) when a reboot had reset it,
          V(kept) when somebody else's was there and stays, V(gone) when the device or interrupt is not there any more.
        - With a failure also V(failed).
      type: str
    former:
      description: The state from before the run.
      type: raw
    found:
      description: What was there when the run was taken back.
      type: raw
    reason:
      description: Why it is V(gone) or V(failed).
      type: str
journal:
  description: Whether the run's journal was V(removed), is V(kept), or was V(absent) from the beginning.
  returned: success
  type: str
undone:
  description: As RV(ops), when something could not be taken back.
  returned: failure
  type: list
  elements: dict
error_class:
  description: Class of the error, such as V(conflict) if another run is at work.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.revert import Request, revert

OPTIONS = dict(
    run_id={"type": "str", "required": True},
    journal={"type": "str", "choices": ["auto", "remove", "keep"], "default": "auto"},
    root={"type": "path", "default": "/"},
    takeover={"type": "str"},
)


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    request = Request(params["run_id"], params["journal"], params["takeover"], module.check_mode)
    try:
        result = revert(Node(params["root"]), request)
    except ChangeError as error:
        module.fail_json(msg=error.message, error_class=error.kind, **error.details)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
