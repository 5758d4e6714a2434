# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of the test beds."""
from __future__ import annotations

import argparse
from typing import Optional

from front.running import carry_out

from . import commands
from .errors import VmError
from .recipe import SUITES
from .segment import WIDEST_MTU

DESCRIPTION = "Debian machines under QEMU for tests, with a network segment of their own."
LIFETIME_SECONDS = 4 * 3600
SMALLEST_MTU = 1280


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="vm", description=DESCRIPTION)
    names = "tools|image|up|status|ssh-config|reset|power-off|power-on|segment|down"
    subs = top.add_subparsers(dest="command", required=True, metavar=names)
    tools = subs.add_parser("tools", help="install what lacks; exit code 3 where this machine cannot run test beds")
    tools.set_defaults(run=commands.tools)
    tools.add_argument("--json", action="store_true", help="print the result as JSON on stdout, progress on stderr")
    _image(subs.add_parser("image", help="build the image and freeze machines, where that is not done yet"))
    _up(subs.add_parser("up", help="bring a test bed up"))
    _rest(subs)
    return top


def _rest(subs: argparse._SubParsersAction) -> None:
    _named(subs.add_parser("status", help="show a test bed; exit code 3 if it is not up")).set_defaults(run=commands.status)
    config = _named(subs.add_parser("ssh-config", help="print the ssh configuration of a test bed"))
    config.add_argument("--path", action="store_true", help="print where it is instead")
    config.set_defaults(run=commands.ssh_config, json=False)
    _one(subs.add_parser("reset", help="back to the snapshot, disk and memory")).set_defaults(run=commands.reset)
    off = _one(subs.add_parser("power-off", help="switch machines off"))
    off.add_argument("--hard", action="store_true", help="pull the plug")
    off.set_defaults(run=commands.power_off)
    _one(subs.add_parser("power-on", help="boot machines that are off")).set_defaults(run=commands.power_on)
    segment = _named(subs.add_parser("segment", help="change what the segment between the machines carries"))
    segment.add_argument("--mtu", type=_mtu, required=True, help="larger packets are lost without a word")
    segment.set_defaults(run=commands.segment)
    _named(subs.add_parser("down", help="end a test bed")).set_defaults(run=commands.down)
    connect = _named(subs.add_parser("segment-connect"))  # for ssh: its ProxyCommand
    connect.add_argument("vm")
    connect.set_defaults(run=commands.segment_connect)
    _life(_named(subs.add_parser("keep"))).set_defaults(run=commands.keep)  # what `up` starts


def _named(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--name", default="default", help="which test bed (default: %(default)s)")
    sub.add_argument("--json", action="store_true", help="print the result as JSON on stdout, progress on stderr")
    return sub


def _one(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _named(sub).add_argument("--vm", metavar="VM", help="which machine, vm1 or vm2 (default: all)")
    return sub


def _life(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--watch-pid", type=int, metavar="PID", help="the test bed ends with this process")
    sub.add_argument("--lifetime", type=float, default=LIFETIME_SECONDS, metavar="SECONDS",
                     help="the test bed ends after this in any case (default: %(default)s)")
    sub.add_argument("--segment-mtu", type=_mtu, default=WIDEST_MTU, metavar="BYTES",
                     help="largest packet between the machines (default: %(default)s)")
    return sub


def _image(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print the result as JSON on stdout, progress on stderr")
    sub.add_argument("--fresh", action="store_true", help="build anew what is there already")
    _machines(sub).set_defaults(run=commands.build)


def _up(sub: argparse.ArgumentParser) -> None:
    _machines(_life(_named(sub))).set_defaults(run=commands.up)


def _machines(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--suite", default=SUITES[0], choices=SUITES, help="of Debian (default: %(default)s)")
    sub.add_argument("--count", type=_count, default=commands.MOST_MACHINES, help="how many machines (default: %(default)s)")
    return sub


def _count(text: str) -> int:
    return _number(text, 1, commands.MOST_MACHINES)


def _mtu(text: str) -> int:
    return _number(text, SMALLEST_MTU, 65535)


def _number(text: str, least: int, most: int) -> int:
    if not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text} is no number from {least} to {most}")
    return int(text)


def main(argv: Optional[list[str]] = None) -> int:
    return carry_out(parser(), VmError, argv)
