# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of the fabric."""
from __future__ import annotations

import argparse
import sys
from typing import Optional

from front.errors import LabError
from front.running import carry_out

from . import commands
from .errors import FabricError
from .faults import KINDS
from .plan import MOST_NODES

DESCRIPTION = "Real kubelets and real packets: a client, a router with faults, and nodes in network namespaces."
LIFETIME_SECONDS = 4 * 3600


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="fabric", description=DESCRIPTION)
    names = "tools|up|status|exec|fault|heal|power-off|power-on|link|down"
    subs = top.add_subparsers(dest="command", required=True, metavar=names)
    tools = subs.add_parser("tools", help="install and build what lacks; exit code 3 where this machine cannot run a fabric")
    tools.set_defaults(run=commands.tools)
    tools.add_argument("--json", action="store_true", help="print the result as JSON on stdout, progress on stderr")
    _life(_named(subs.add_parser("up", help="bring a fabric up"))).set_defaults(run=commands.up)
    _named(subs.add_parser("status", help="show a fabric; exit code 3 if it is not up")).set_defaults(run=commands.status)
    inside = _named(subs.add_parser("exec", help="run a command in the namespace of the client, a node, the router or the control"))
    inside.add_argument("where", metavar="client|router|control|NODE")
    inside.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    inside.set_defaults(run=commands.run_inside)
    _faults(subs)
    _nodes(subs)
    _named(subs.add_parser("down", help="end a fabric")).set_defaults(run=commands.down)
    _life(_named(subs.add_parser("keep"))).set_defaults(run=commands.keep)  # what `up` starts
    return top


def _named(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--name", default="default", help="which fabric (default: %(default)s)")
    sub.add_argument("--json", action="store_true", help="print the result as JSON on stdout, progress on stderr")
    return sub


def _life(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--nodes", type=_node_count, default=3, help="how many (default: %(default)s)")
    sub.add_argument("--watch-pid", type=int, metavar="PID", help="the fabric ends with this process")
    sub.add_argument("--lifetime", type=float, default=LIFETIME_SECONDS, metavar="SECONDS",
                     help="the fabric ends after this in any case (default: %(default)s)")
    return sub


def _faults(subs: argparse._SubParsersAction) -> None:
    told = "; ".join(f"{kind}: {what}" for kind, what in KINDS.items())
    fault = _named(subs.add_parser("fault", help="switch a fault on", description=told))
    fault.add_argument("kind", choices=list(KINDS))
    fault.add_argument("--proto", choices=["tcp", "udp"], help="only packets of this protocol")
    fault.add_argument("--family", type=int, choices=[4, 6], help="only packets of this family")
    fault.add_argument("--from", dest="sender", metavar="NODE", help="only what comes from this node")
    fault.add_argument("--to", dest="receiver", metavar="NODE", help="only what goes to this node")
    fault.add_argument("--bytes", type=int, default=1400, help="of a packet with its IP header (default: %(default)s)")
    fault.set_defaults(run=commands.fault)
    heal = _named(subs.add_parser("heal", help="switch all faults off, or those of a kind"))
    heal.add_argument("kind", nargs="?", choices=list(KINDS))
    heal.set_defaults(run=commands.heal)


def _nodes(subs: argparse._SubParsersAction) -> None:
    for name, run, told in (("power-off", commands.power_off, "pull a node's plug"),
                            ("power-on", commands.power_on, "start a node that is off")):
        sub = _named(subs.add_parser(name, help=told))
        sub.add_argument("node")
        sub.set_defaults(run=run)
    link = _named(subs.add_parser("link", help="cut a node's network cards off, or join them again"))
    link.add_argument("node")
    link.add_argument("state", choices=["up", "down"])
    link.set_defaults(run=commands.link)


def _node_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_NODES:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to {MOST_NODES}")
    return int(text)


def main(argv: Optional[list[str]] = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return carry_out(parser(), FabricError, [word for word in words if word != "--" or words[0] != "exec"])
    except LabError as told:
        print(f"fabric: {told}", file=sys.stderr)
        return 1
