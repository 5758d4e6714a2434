# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds of ops a node knows, and lists of them."""
from __future__ import annotations

from typing import Any, Dict, List, Type

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_file import File
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_irq import IrqAffinity
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_kernel_argument import KernelArgument
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_link import Link, Queues
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_qdisc import Qdisc
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_routes import Routes
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_tuned import TunedProfile
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_unit import Unit
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_value import Value

KINDS: Dict[str, Type[Op]] = {
    found.kind: found for found in (File, IrqAffinity, KernelArgument, Link, Qdisc, Queues, Routes, TunedProfile, Unit, Value)}


def parse(spec: Any, node: Node) -> Op:
    """One op of its JSON form. Raises Refused."""
    kind = spec.get("kind") if isinstance(spec, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused("its kind is not known; there are {0}.".format(", ".join(sorted(KINDS))))
    return KINDS[kind](spec, node)


def parse_all(specs: List[Any], node: Node) -> List[Op]:
    """A list of ops, no two about the same thing. Raises Refused, with the place in the list."""
    found: List[Op] = []
    for number, spec in enumerate(specs):
        try:
            op = parse(spec, node)
            if op.key in [other.key for other in found]:
                raise Refused("{0} is there twice.".format(op.key))
        except ChangeError as error:
            raise Refused("ops[{0}]: {1}".format(number, error.message)) from None
        found.append(op)
    return found
