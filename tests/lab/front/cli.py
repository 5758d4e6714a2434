# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of the lab."""
from __future__ import annotations

import argparse
from typing import Optional

from . import commands
from .errors import LabError
from .running import carry_out

DESCRIPTION = "A Kubernetes control plane with simulated nodes and Cilium agents, on loopback."


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="lab", description=DESCRIPTION)
    subs = top.add_subparsers(dest="command", required=True, metavar="up|down|status|tools")
    _up(subs.add_parser("up", help="bring a lab up, or a running one to what is asked"))
    _named(subs.add_parser("down", help="end a lab")).set_defaults(run=commands.down)
    status = subs.add_parser("status", help="show a lab; exit code 3 if it is not running")
    _named(status).set_defaults(run=commands.status)
    tools = subs.add_parser("tools", help="build or find every program the lab uses, print their paths as JSON")
    tools.add_argument("--json", action="store_true", default=True, help=argparse.SUPPRESS)  # it always is
    tools.set_defaults(run=commands.tools)
    return top


def _named(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--name", default="default", help="which lab (default: %(default)s)")
    sub.add_argument("--json", action="store_true", help="print the result as JSON on stdout, progress on stderr")
    return sub


def _up(sub: argparse.ArgumentParser) -> None:
    _named(sub).set_defaults(run=commands.up)
    sub.add_argument("--nodes", type=_node_count, help=f"how many (default: {commands.DEFAULT_NODES})")
    sub.add_argument("--cilium", metavar="VERSION|none", help="the lab's own chart of this version (default: 1.13.4)")
    sub.add_argument("--chart", metavar="DIR|TGZ", help="another chart (default: $LAB_CHART, else the lab's own)")
    sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a Helm value")
    sub.add_argument("--values", metavar="FILE", help="a file of Helm values")
    sub.add_argument("--annotate", action="append", default=[], metavar="NODE:KEY=VALUE", help="steer a node")
    sub.add_argument("--kube-proxy", action="store_true", default=None,
                     help="with kube-proxy as a DaemonSet, and Cilium beside it: a cluster before the replacement")
    sub.add_argument("--helm", metavar="PATH|3|4", help="which Helm (default: that of PATH, else 4)")
    sub.add_argument("--watch-pid", type=int, metavar="PID", help="the lab ends with this process")
    sub.add_argument("--timeout", type=float, metavar="SECONDS",
                     help="how long agents may need to be Ready (default: 120 and a fifth of a second per node)")
    sub.add_argument("--real", action="store_true", help="real kubelets (not there yet)")


def _node_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= commands.MOST_NODES:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to {commands.MOST_NODES}")
    return int(text)


def main(argv: Optional[list[str]] = None) -> int:
    return carry_out(parser(), LabError, argv)
