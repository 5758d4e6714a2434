# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `kernel_argument`: an argument of the kernel's command line from the next boot on, through the boot loader's own tools.

Debian's and Ubuntu's GRUB: a file of ours below /etc/default/grub.d and `update-grub`; it stands last in
GRUB_CMDLINE_LINUX_DEFAULT, so it wins over the site's own and leaves the recovery entries alone. Red Hat's: `grubby`, for
each kernel. State: {loader, entries: {entry: [values of the argument]}, file: state of a file op or null}.
"""
from __future__ import annotations

import re
import shlex
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_file import File

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}\Z")
VALUE = re.compile(r"[A-Za-z0-9_.,:/=@+-]{0,200}\Z")
GRUB_CFG = "/boot/grub/grub.cfg"
DROP_IN = "/etc/default/grub.d/zz-fastpath-cilium-{0}.cfg"
UPDATE_GRUB, GRUBBY = ("/usr/sbin/update-grub", "/sbin/update-grub"), ("/usr/sbin/grubby", "/sbin/grubby")
MENU_ENTRY = re.compile(r"^\s*menuentry\s+'([^']*)'", re.MULTILINE)
RECOVERY = re.compile(r"(^|\s)(single|recovery|rescue|systemd\.unit=rescue\.target)(\s|$)")
TEXT = """# Written by fastpath.cilium; goes away when its run is taken back.
GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {0}"
"""


class KernelArgument(Op):
    kind = "kernel_argument"
    runtime = False
    FIELDS = {"name": str, "value": str}
    REQUIRED = ("name",)

    def check(self) -> None:
        if not NAME.match(self.spec["name"]) or not VALUE.match(self.get("value", "")):
            raise Refused("{0!r} is no argument of the kernel.".format(self.argument[:80]))

    @property
    def argument(self) -> str:
        name, value = str(self.spec["name"]), self.spec.get("value")
        return name if value is None else "{0}={1}".format(name, value)

    @property
    def key(self) -> str:
        return "kernel_argument " + str(self.spec["name"])

    def _loader(self) -> str:
        if any(map(self.node.exists, UPDATE_GRUB)) and self.node.exists(GRUB_CFG):
            return "grub"
        if any(map(self.node.exists, GRUBBY)):
            return "grubby"
        raise Refused("The boot loader of this node is neither Debian's GRUB nor one that grubby knows: put {0} on the "
                      "kernel's command line by its own means.".format(self.argument))

    def read(self) -> State:
        loader = self._loader()
        if loader == "grub":
            return {"loader": loader, "entries": self._grub_entries(), "file": self._drop_in().read()}
        return {"loader": loader, "entries": self._grubby_entries(), "file": None}

    def _drop_in(self) -> File:
        path = DROP_IN.format(self.spec["name"])
        return File({"kind": "file", "path": path, "content": TEXT.format(self.argument)}, self.node)

    def _values(self, line: str) -> List[str]:
        """Values the argument has on a command line; "" for one without a value."""
        found = []
        for word in line.split():
            name, _equals, value = word.partition("=")
            if name == self.spec["name"]:
                found.append(value)
        return found

    def _grub_entries(self) -> Dict[str, List[str]]:
        """The values in each `linux` line of grub.cfg, those of recovery aside. A file of many kernels is still small."""
        found, title = {}, ""
        for number, line in enumerate(self.node.read(GRUB_CFG, 4 << 20).decode("utf-8", "replace").splitlines()):
            entry = MENU_ENTRY.match(line)
            title = entry.group(1) if entry else title
            if re.match(r"\s*linux(efi|16)?\s", line) and not RECOVERY.search(line):
                found["{0}: {1}".format(number, title)] = self._values(line)
        return found

    def _grubby_entries(self) -> Dict[str, List[str]]:
        answer = self.node.ask(["grubby", "--info=ALL"])
        if answer.code:
            raise ChangeError("grubby cannot list the kernels: {0}".format(answer.err or answer.out))
        found, kernel = {}, ""
        for line in answer.out.splitlines():
            name, _equals, value = line.partition("=")
            kernel = value.strip('"') if name == "kernel" else kernel
            if name == "args" and kernel:
                found[kernel] = self._values(value.strip('"'))
        return found

    def holds(self, state: State) -> bool:
        values = list(state["entries"].values())
        return bool(values) and all(found and found[-1] == self.get("value", "") for found in values)

    def apply(self, former: State) -> None:
        if former["loader"] == "grub":
            self._drop_in().apply(former["file"])
            self.node.change(["update-grub"], timeout=600)
        else:
            self.node.change(["grubby", "--update-kernel=ALL", "--args=" + self.argument])

    def restore(self, former: State) -> None:
        if former["loader"] == "grub":
            # The menu is made anew rather than put back: kernels may have come and gone since.
            self._drop_in().restore(former["file"])
            self.node.change(["update-grub"], timeout=600)
        else:
            self._restore_grubby(former["entries"])

    def _restore_grubby(self, former: Dict[str, List[str]]) -> None:
        for kernel, values in self._grubby_entries().items():
            before = former.get(kernel, [])
            if values != before:
                self.node.change(["grubby", "--update-kernel=" + kernel, "--remove-args=" + str(self.spec["name"])])
                for value in before:
                    self.node.change(["grubby", "--update-kernel=" + kernel, "--args=" + self._written(value)])

    def _written(self, value: str) -> str:
        return "{0}={1}".format(self.spec["name"], shlex.quote(value)) if value else str(self.spec["name"])

    def same(self, one: State, other: State) -> bool:
        """Kernels may have come and gone; what counts is how each is started."""
        files = one["file"] is None or self._drop_in().same(one["file"], other["file"])
        return bool(files and set(map(tuple, one["entries"].values())) == set(map(tuple, other["entries"].values())))

    def sweep(self) -> None:
        self._drop_in().sweep()

    def shown(self, state: Optional[State]) -> Any:
        if state is None:
            return None
        name = str(self.spec["name"])
        return sorted({" ".join(self._written(value) for value in values) or name + " absent"
                       for values in state["entries"].values()})

    def wanted(self, former: State) -> State:
        return dict(former, entries={entry: [*values, self.get("value", "")] for entry, values in former["entries"].items()})
