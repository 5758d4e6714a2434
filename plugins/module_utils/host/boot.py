# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The boot loader, as far as its files show it: whose command line a kernel argument has to be put into."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.kernel import words
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread, settings

LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
FILES = (
    ("grub2", ("/boot/grub2/grub.cfg", "/boot/grub/grub.cfg")),
    ("systemd-boot", ("/boot/loader/loader.conf", "/efi/loader/loader.conf", "/boot/efi/loader/loader.conf")),
    ("extlinux", ("/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg")),
    ("zipl", ("/etc/zipl.conf",)),
    ("raspberry_pi", ("/boot/firmware/cmdline.txt",)),
)
SETTINGS = {"grub2": ["/etc/default/grub"], "systemd-boot": ["/etc/kernel/cmdline"]}
ENTRIES = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
TOOLS = ("grubby", "update-grub", "grub-mkconfig", "grub2-mkconfig", "bootctl", "kernel-install", "rpm-ostree", "zipl")
FOLDERS = ("/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/")
LINUX = re.compile(r"\s*linux(?:efi|16)?\s+\S+\s*(.*)$")
VARIABLE = re.compile(r"^\s*set\s+([A-Za-z_]\w*)=[\"']?([^\"'\n]*)", re.MULTILINE)
REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
# Set by the menu's own functions, and of no meaning to the kernel's work.
HARMLESS = {"vt_handoff": ""}
RECOVERY = {"single", "recovery", "rescue", "systemd.unit=rescue.target"}
NAME = re.compile(r"(grub|systemd-boot)", re.IGNORECASE)


def read(root: Root, unread: Unread, container: Optional[str]) -> Dict[str, Any]:
    """The document's `boot_loader`."""
    kind = unread.attempt("boot_loader", loader, root)
    if kind is None and container:
        kind = "none"  # a container has a kernel that somebody else boots
    return {
        "kind": kind, "efi": root.there("/sys/firmware/efi"),
        "entries": unread.attempt("boot_loader/entries", entries, root, kind),
        "tools": [tool for tool in TOOLS if root.first([folder + tool for folder in FOLDERS])],
        "files": _files(root, kind),
        "next_command_line": unread.attempt("boot_loader/next_command_line", next_command_line, root, kind),
    }


def loader(root: Root) -> Optional[str]:
    """Its name: as it told the firmware, else by the first file that is there."""
    told = NAME.search((root.raw(LOADER_INFO, 1024) or b"").decode("latin-1").replace("\0", ""))
    if told:
        return {"grub": "grub2"}.get(told.group(1).lower(), told.group(1).lower())
    return next((kind for kind, names in FILES if root.first(list(names))), None)


def entries(root: Root, kind: Optional[str]) -> Optional[str]:
    """bls: a file for each kernel (boot loader specification); generated: one file written by a tool. None for others."""
    if kind == "systemd-boot":
        return "bls"
    if kind != "grub2":
        return None
    enabled = settings(root.text("/etc/default/grub")).get("GRUB_ENABLE_BLSCFG", "").lower() == "true"
    return "bls" if enabled and any(root.names(folder) for folder in ENTRIES) else "generated"


def next_command_line(root: Root, kind: Optional[str]) -> Optional[List[str]]:
    """The words that every boot entry but those for recovery gives its kernel, in the order of the first one.

    Known for GRUB's generated menu and for entries in files (bls) that spell their options out; None for containers.
    """
    if kind in (None, "none"):
        return None
    lines, known = _entry_lines(root) or _menu_lines(root), variables(root)
    told = [found for found in (words(filled_in(line, known)) for line in lines) if found and not RECOVERY.intersection(found)]
    if not told:
        raise HostError("not_found", "No boot entry shows the command line of its kernel, so what the next boot has is not known.")
    if any(word.startswith("$") for found in told for word in found):
        raise HostError("garbled", "The boot entries take their command line from variables of the boot loader.")
    shared = set(told[0]).intersection(*told[1:])
    return [word for word in told[0] if word in shared]


def variables(root: Root) -> Dict[str, str]:
    """What grub.cfg itself sets, such as tuned_params, by which tuned adds arguments; what it sets later wins."""
    found = dict(HARMLESS)
    for name in dict(FILES)["grub2"]:
        found.update(VARIABLE.findall(root.text(name) or ""))
    return found


def filled_in(line: str, known: Dict[str, str]) -> str:
    """A command line with the boot loader's variables that are known replaced. Pure."""
    return REFERENCE.sub(lambda match: known.get(match.group(1), match.group(0)), line)


def _menu_lines(root: Root) -> List[str]:
    """What follows the kernel's file in each `linux` line of grub.cfg."""
    found: List[str] = []
    for name in dict(FILES)["grub2"]:
        for line in (root.text(name) or "").splitlines():
            match = LINUX.match(line)
            found += [match.group(1)] if match else []
    return found


def _entry_lines(root: Root) -> List[str]:
    """The options of each file of the boot loader specification."""
    found: List[str] = []
    for folder in ENTRIES:
        for name in root.names(folder):
            if name.endswith(".conf"):
                lines = (root.text("{0}/{1}".format(folder, name)) or "").splitlines()
                found.append(" ".join(line.split(None, 1)[1] for line in lines if line.split(None, 1)[:1] == ["options"] and
                                      len(line.split(None, 1)) > 1))
    return found


def _files(root: Root, kind: Optional[str]) -> List[str]:
    candidates = SETTINGS.get(kind or "", []) + [name for known, names in FILES if known == kind for name in names]
    return [name for name in candidates if root.there(name)]
