#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Makes sure that one run at a time changes Cilium in a cluster
version_added: "0.1.0"
description:
  - Holds, renews or releases the Lease C(fastpath-cilium) in Cilium's namespace.
  - A lock of another run is refused, also when it has expired, because the run may have left a change half done. It is
    taken over only with that run's id in O(takeover).
  - A lock that cannot be read counts as held by another run.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
options:
  state:
    description: V(held) takes the lock, or renews it if this run holds it. V(released) gives it back.
    type: str
    choices: [held, released]
    default: held
  run_id:
    description: Id of this run.
    type: str
    required: true
  ttl:
    description: How long the lock is valid without renewal, in seconds.
    type: int
    default: 3600
  takeover:
    description: Id of the run whose lock is to be taken over.
    type: str
  who:
    description: Who runs this, shown to others whom the lock stops; the current user by default.
    type: str
attributes:
  check_mode:
    description: Tells whether the lock could be taken.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Nobody else may change Cilium now
  fastpath.cilium.run_lock:
    run_id: 20260101T120000Z-4f2a

- name: The run that held the lock was killed
  fastpath.cilium.run_lock:
    run_id: 20260101T130000Z-91cc
    takeover: 20260101T120000Z-4f2a

- name: Give it back
  fastpath.cilium.run_lock:
    run_id: 20260101T130000Z-91cc
    state: released
"""

RETURN = r"""
lock:
  description: The lock with C(holder), C(who), C(host), C(acquired_at), C(renewed_at) and C(expires_at).
  returned: success
  type: dict
  sample:
    holder: 20260101T120000Z-4f2a
    who: alice
    host: bastion
    acquired_at: "2026-01-01T12:00:00.000000Z"
    renewed_at: "2026-01-01T12:00:00.000000Z"
    expires_at: "2026-01-01T13:00:00.000000Z"
renewed:
  description: Whether this run held the lock before. Renewing it is no change.
  returned: success
  type: bool
error_class:
  description: Class of the error, C(conflict) if another run holds the lock.
  returned: failure
  type: str
  sample: conflict
"""

import getpass
import socket

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils import lease
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError

OPTIONS = dict(
    CLUSTER_OPTIONS,
    state={"type": "str", "choices": ["held", "released"], "default": "held"},
    run_id={"type": "str", "required": True},
    ttl={"type": "int", "default": 3600},
    takeover={"type": "str"},
    who={"type": "str"},
)


def user() -> str:
    """Name of the current user; a container's user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def main() -> None:
    """Hold or release."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    params = module.params
    claim = lease.Claim(params["run_id"], params["ttl"], params["takeover"], params["who"] or user(),
                        socket.gethostname())
    act = lease.hold if params["state"] == "held" else lease.release
    try:
        result = act(connect(module), params["release_namespace"], claim, module.check_mode)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
