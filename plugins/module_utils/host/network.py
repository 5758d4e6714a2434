# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who configures which device: NetworkManager, systemd-networkd or ifupdown, with or without netplan above them."""
from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host import units as services
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread, settings

SERVICES = ("NetworkManager", "systemd-networkd", "networking")
YAML = (".yaml", ".yml")


def read(root: Root, unread: Unread, units: Optional[Dict[str, services.Unit]]) -> Dict[str, Any]:
    """The document's `network`."""
    return {"netplan": unread.attempt("network/netplan", netplan, root),
            "units": {name: services.of(units, name)._asdict() for name in SERVICES}}


def netplan(root: Root) -> bool:
    """Whether netplan is there and has something to say."""
    program = root.first(["/usr/sbin/netplan", "/usr/bin/netplan"])
    return bool(program) and any(name.endswith(YAML) for name in root.names("/etc/netplan"))


def manager(root: Root, name: str, index: Optional[int]) -> Optional[str]:
    """Who configures this device, by what they leave in /run; None where nobody does."""
    if settings(root.text("/run/NetworkManager/devices/{0}".format(index))).get("managed") in ("true", "1"):
        return "NetworkManager"
    if network_file(root, index):
        return "systemd-networkd"
    states = (root.text("/run/network/ifstate") or "").splitlines()
    return "ifupdown" if any(line.partition("=")[0].strip() == name for line in states) else None


def network_file(root: Root, index: Optional[int]) -> Optional[str]:
    """The .network file by which systemd-networkd configures this device; None where it does not."""
    link = settings(root.text("/run/systemd/netif/links/{0}".format(index)))
    return link.get("NETWORK_FILE") or None if link.get("ADMIN_STATE", "unmanaged") != "unmanaged" else None
