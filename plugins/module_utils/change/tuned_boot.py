# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tuned leaves in the boot loader's files when a profile with boot arguments goes: it empties its variables and no more.

Its two lines in /etc/default/grub go, unless they were there before; all else in that file is the site's and stays.
"""
from __future__ import annotations

from base64 import b64decode
from typing import List

from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import State
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_file import File
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_kernel_argument import GRUB_CFG, UPDATE_GRUB

VARIABLES, SETTINGS = "/etc/tuned/bootcmdline", "/etc/default/grub"
PATHS = (VARIABLES, SETTINGS)
MARKS = (b"$tuned_params", b"$tuned_initrd")


def read(node: Node) -> State:
    """{files: {path: state of a file op}, menu: whether its entries name tuned's variables}"""
    return {"files": {path: whole(node, path).read() for path in PATHS}, "menu": _menu_marked(node)}


def whole(node: Node, path: str) -> File:
    return File({"kind": "file", "path": path, "state": "absent"}, node)


def same(one: State, other: State) -> bool:
    """Whether tuned's part of both is alike; how it quotes an empty variable is its own."""
    if not one or not other:
        return True
    files, others = one["files"], other["files"]
    return bool(one["menu"] == other["menu"] and _said(files[VARIABLES]) == _said(others[VARIABLES])
                and _marked(files[SETTINGS]) == _marked(others[SETTINGS]))


def _said(variables: State) -> List[bytes]:
    return [line.replace(b'"', b"").strip() for line in _lines(variables) if line.startswith(b"TUNED_")]


def put_back(node: Node, former: State) -> None:
    """To the former state, after tuned has left the profile. Raises ChangeError."""
    if not former:
        return
    _restore(node, VARIABLES, former["files"][VARIABLES])
    if not _marked(former["files"][SETTINGS]):
        _put_settings_back(node, former["files"][SETTINGS])
    if _menu_marked(node) and not former["menu"]:
        node.change(["update-grub"], timeout=600)


def _put_settings_back(node: Node, before: State) -> None:
    present = whole(node, SETTINGS).read()
    if not _marked(present):
        return
    if _others(present) == _others(before):
        _restore(node, SETTINGS, before)
    else:
        node.write(SETTINGS, b"".join(_others(present)), {name: present[name] for name in ("mode", "uid", "gid", "xattrs")})


def _restore(node: Node, path: str, before: State) -> None:
    file = whole(node, path)
    if not file.same(file.read(), before):
        file.restore(before)


def _lines(state: State) -> List[bytes]:
    return b64decode(state["content"]).splitlines(keepends=True) if state["exists"] else []


def _is_tuneds(line: bytes) -> bool:
    """Whether tuned wrote it."""
    return line.startswith(b"GRUB_") and any(mark in line for mark in MARKS)


def _marked(state: State) -> List[bytes]:
    return [line for line in _lines(state) if _is_tuneds(line)]


def _others(state: State) -> List[bytes]:
    return [line for line in _lines(state) if not _is_tuneds(line)]


def _menu_marked(node: Node) -> bool:
    """Only of a menu that Debian's tool makes."""
    if not node.exists(GRUB_CFG) or not any(map(node.exists, UPDATE_GRUB)):
        return False
    entries = [line for line in node.read(GRUB_CFG, 4 << 20).splitlines() if line.lstrip().startswith((b"linux", b"initrd"))]
    return any(mark in line for line in entries for mark in MARKS)
