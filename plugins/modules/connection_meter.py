#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: connection_meter
short_description: Counts connections that are lost while a cluster changes
version_added: "0.1.0"
description:
  - Starts, reads and stops a small program on a client, with nothing but Python's standard library. It holds long
    connections and opens
    new ones at a fixed rate through every node, and counts what is lost and for how long, new and established ones apart.
  - It is bounded in rate, time and open files, and ends by itself when its starter is gone, when nobody asks for it any
    more, or when its
    time is over.
author:
  - fastpath.cilium developers (@fastpath)
options:
  state:
    description: V(started) starts it, V(read) tells what was counted so far, V(stopped) stops it and tells what was counted.
    type: str
    choices: [started, read, stopped]
    default: started
  name:
    description: Name of the meter, such as the run's id.
    type: str
    required: true
  targets:
    description:
      - RV(fastpath.cilium.nodeport_ring#module:targets), of which those of TCP to backends on other nodes are measured.
        Needed to start it.
    type: list
    elements: dict
  rate:
    description: New connections a second, over all targets.
    type: float
    default: 20
  held:
    description: Long connections, over all targets.
    type: int
    default: 50
  beat:
    description: Seconds between two requests on a long connection.
    type: float
    default: 1
  timeout:
    description: Seconds after which a connection that does not answer is lost.
    type: float
    default: 3
  duration:
    description: Seconds after which it ends at the latest.
    type: float
    default: 7200
  ttl:
    description: Seconds after which it ends when nobody has read it.
    type: float
    default: 3600
  watch_pid:
    description: Process on the client with which it ends.
    type: int
  folder:
    description: Folder for its files; one of this user's own in the folder for temporary files by default.
    type: path
attributes:
  check_mode:
    description: Starts and stops nothing.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Measure while something changes
  fastpath.cilium.connection_meter:
    name: 20260101T120000Z-4f2a11
    targets: "{{ ring.targets }}"

- name: What was lost?
  fastpath.cilium.connection_meter:
    name: 20260101T120000Z-4f2a11
    state: stopped
"""

RETURN = r"""
meter:
  description:
    - What was counted, for each entry node. C(longest_gap) and C(worst) are seconds; C(skipped) connections were not
      opened because the
      client was late, C(own) because of its own limits; C(ended) says why it ended.
  returned: success
  type: dict
  sample:
    schema: 1
    seconds: 61.2
    rate: 20
    held: 50
    open: 50
    skipped: 0
    own: 0
    ended: stopped
    events: []
    nodes:
      node-1:
        new: {tried: 400, ok: 400, refused: 0, timeout: 0, reset: 0, unreachable: 0, wrong: 0, failed: 0, longest_gap: 0,
        worst: 0.01}
        established: {answers: 900, hung: 0, reset: 0, closed: 0, wrong: 0, failed: 0, longest_gap: 0, worst: 0.01}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils import meter

NUMBERS = {"rate": 20.0, "beat": 1.0, "timeout": 3.0, "duration": 7200.0, "ttl": 3600.0}
OPTIONS = dict(
    {name: {"type": "float", "default": value} for name, value in NUMBERS.items()},
    state={"type": "str", "choices": ["started", "read", "stopped"], "default": "started"},
    name={"type": "str", "required": True}, targets={"type": "list", "elements": "dict"},
    held={"type": "int", "default": 50}, watch_pid={"type": "int"}, folder={"type": "path"},
)
KEYS = ("backend", "address", "port", "hostname")


def config_of(params: dict) -> dict:
    """The meter's configuration. Raises MeterError."""
    try:
        targets = [dict({key: target[key] for key in KEYS}, node=target["entry"], port=int(target["port"]))
                   for target in params["targets"] if target["protocol"] == "tcp" and target["entry"] != target["backend"]]
    except (KeyError, TypeError, ValueError):
        raise meter.MeterError("The targets are not those of nodeport_ring.") from None
    return dict({name: params[name] for name in NUMBERS}, held=params["held"], targets=targets)


def main() -> None:
    """Start, read or stop."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS, required_if=[("state", "started", ["targets"])])
    params = module.params
    state, changed = params["state"], params["state"] != "read"
    try:
        folder = meter.folder_of(params["name"], params["folder"])
        if state == "started":
            config = config_of(params)
            meter.checked(config)
            found = None if module.check_mode else meter.start(folder, config, params["watch_pid"])
        elif state == "read" or module.check_mode:
            found = meter.read(folder)
        else:
            found = meter.stop(folder)
    except meter.MeterError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg="The meter's folder cannot be used: {0}.".format(error.strerror))
    module.exit_json(changed=changed, meter=found)


if __name__ == "__main__":
    main()
