# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What systemd says of the services that tune a host or hold its network."""
from __future__ import annotations

from typing import Dict, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, settings

ASKED = ("tuned", "irqbalance", "NetworkManager", "systemd-networkd", "networking")
ENABLED = ("enabled", "enabled-runtime", "linked", "linked-runtime", "alias", "generated", "static", "indirect")
PROPERTIES = "--property=Id,LoadState,ActiveState,UnitFileState"


class Unit(NamedTuple):
    """A service: whether it runs and whether it starts at boot; both None where nobody could be asked."""

    active: Optional[bool]
    enabled: Optional[bool]


UNKNOWN, ABSENT = Unit(None, None), Unit(False, False)


def read(root: Root) -> Dict[str, Unit]:
    """{service: Unit} by one call. HostError where systemd is not what runs this host."""
    if not root.there("/run/systemd/system"):
        raise HostError("not_found", "systemd does not run this host, so no service could be asked for.")
    answer = root.machine.run(["systemctl", "show", PROPERTIES, *(name + ".service" for name in ASKED)])
    found = {}
    for block in answer.output.split("\n\n"):
        held = settings(block)
        if held.get("Id", "").endswith(".service"):
            found[held["Id"][:-len(".service")]] = _unit(held)
    if not found:
        raise HostError("failed", "systemctl does not say which services there are: {0}".format(answer.output.strip()[:200]))
    return found


def _unit(held: Dict[str, str]) -> Unit:
    if held.get("LoadState") == "not-found":
        return ABSENT
    active = held.get("ActiveState")
    state = held.get("UnitFileState")
    return Unit(None if active is None else active in ("active", "activating", "reloading"),
                None if state is None else state in ENABLED)


def of(units: Optional[Dict[str, Unit]], name: str) -> Unit:
    """One service of those that were read."""
    return UNKNOWN if units is None else units.get(name, UNKNOWN)
