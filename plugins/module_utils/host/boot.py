# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The boot loader, as far as its files show it: whose command line a kernel argument has to be put into."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

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


def _files(root: Root, kind: Optional[str]) -> List[str]:
    candidates = SETTINGS.get(kind or "", []) + [name for known, names in FILES if known == kind for name in names]
    return [name for name in candidates if root.there(name)]
