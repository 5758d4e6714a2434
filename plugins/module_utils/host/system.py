# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which host this is: boot ID, name, distribution; and whether that distribution's files are the administrator's."""
from __future__ import annotations

import re
from typing import Any, Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread, settings

BOOT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
# Distributions whose configuration comes from an image or a description, never from an edited file that stays.
IMMUTABLE = ("talos", "bottlerocket", "flatcar", "rhcos", "cos", "nixos", "elemental", "kairos", "ubuntu-core",
             "opensuse-microos", "sle-micro", "sl-micro", "opensuse-leap-micro", "garden-linux-usi")
IMMUTABLE_VARIANTS = ("coreos", "iot", "silverblue", "microos")


def read(root: Root, unread: Unread) -> Dict[str, Any]:
    """boot_id, hostname and os."""
    return {
        "boot_id": unread.attempt("boot_id", boot_id, root),
        "hostname": unread.attempt("hostname", root.word, "/proc/sys/kernel/hostname"),
        "os": unread.attempt("os", distribution, root),
    }


def boot_id(root: Root) -> str:
    """The random number of this boot, which kubelets report too."""
    found = (root.word("/proc/sys/kernel/random/boot_id") or "").lower()
    if not BOOT_ID.match(found):
        raise HostError("garbled", "/proc/sys/kernel/random/boot_id holds no boot ID.")
    return found


def distribution(root: Root) -> Dict[str, Any]:
    """os-release as it is, and what follows from it."""
    content = root.text("/etc/os-release")
    held = settings(root.text("/usr/lib/os-release") if content is None else content)
    if not held:
        raise HostError("not_found", "There is no os-release in /etc or /usr/lib.")
    return {
        "id": held.get("ID") or None, "id_like": held.get("ID_LIKE", "").split(),
        "version_id": held.get("VERSION_ID") or None, "variant_id": held.get("VARIANT_ID") or None,
        "name": held.get("PRETTY_NAME") or held.get("NAME") or None, "immutable": _immutable(root, held),
    }


def _immutable(root: Root, held: Dict[str, str]) -> Optional[bool]:
    if root.there("/run/ostree-booted") or held.get("VARIANT_ID") in IMMUTABLE_VARIANTS:
        return True
    return held["ID"] in IMMUTABLE if held.get("ID") else None
