# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A larger MTU for the next boot, in the words of whoever configures a device; and the routes off the segment with it. Pure.

systemd-networkd gets a drop-in beside the device's .network file, ifupdown a script that it runs before it brings a device up.
Neither can set an MTU of routes that it does not know of, so a unit of ours does, after the network is there.
"""
from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host

HEAD = "# Written by fastpath.cilium; goes away when its run is taken back.\n"
SCRIPT = "/etc/fastpath-cilium/jumbo-mtu"
NAME = "fastpath-jumbo-mtu.service"
UNIT = f"/etc/systemd/system/{NAME}"
BEFORE_UP, AFTER_UP = "/etc/network/if-pre-up.d/fastpath-jumbo-mtu", "/etc/network/if-up.d/fastpath-jumbo-mtu"
DROP_IN = "/etc/systemd/network/{}.d/fastpath-jumbo-mtu.conf"
UNIT_TEXT = HEAD + f"""[Unit]
Description=Former packet size of routes off the segment with jumbo frames
After=network-online.target systemd-networkd.service
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=/bin/sh {SCRIPT}

[Install]
WantedBy=multi-user.target systemd-networkd.service
"""
# The rule of the op `routes`: direct routes within the segment and those by a proven peer are free, the others keep the size.
SCRIPT_TEXT = """#!/bin/sh
{head}# keep <device> <size> <places that are free>...
keep() {{
    device=$1 size=$2
    shift 2
    free=" $* "
    ip -4 -oneline route show table all dev "$device" | while read -r line; do
        line=" $line "
        case $line in
        " local "* | " broadcast "* | " unreachable "* | *" mtu "* | *nexthop* | *" nhid "*) continue ;;
        *" via "*) place=${{line#* via }} ;;
        *) place=${{line# }} ;;
        esac
        place=${{place%% *}}
        case $free in *" $place "*) continue ;; esac
        words=
        for word in $line; do
            case $word in linkdown | dead | offload | trap) ;; *) words="$words $word" ;; esac
        done
        ip -4 route change $words dev "$device" mtu "$size"
    done
    file=/proc/sys/net/ipv6/conf/$device/mtu
    [ ! -e "$file" ] || echo "$size" >"$file"
}}
{lines}
exit 0
"""
BY_HAND = {
    "netplan": "on {host}, put mtu: {size} below {device} in its netplan file.",
    "NetworkManager": "on {host}, nmcli connection modify \"$(nmcli -g GENERAL.CONNECTION device show {device})\" 802-3-ethernet.mtu {size}.",
    None: "on {host}, set the MTU of {device} to {size} wherever it is configured.",
}


def persisted(host: Host, devices: Sequence[Mapping[str, Any]], size: int,
              free: Mapping[str, Sequence[str]]) -> tuple[list[dict[str, Any]], list[str]]:
    """(ops, what is left to do by hand) for devices with their former MTUs; `free`: as of the op `routes`, by device."""
    ops, by_hand, ifupdown = [], [], []
    for device in devices:
        manager = read.text(device.get("managed_by"))
        if host.part("network").get("netplan") is True and manager != "ifupdown":
            manager = "netplan"
        if manager == "systemd-networkd" and read.text(device.get("network_file")):
            ops.append(_file(DROP_IN.format(posixpath.basename(device["network_file"])), f"{HEAD}[Link]\nMTUBytes={size}\n"))
        elif manager == "ifupdown":
            ifupdown.append(device["name"])
        else:
            by_hand.append(BY_HAND.get(manager, BY_HAND[None]).format(host=host.name, device=device["name"], size=size))
    return [*ops, *_ifupdown(ifupdown, size), *_routes(devices, free)], by_hand


def _file(path: str, content: str, mode: str = "0644") -> dict[str, Any]:
    return {"kind": "file", "path": path, "content": content, "mode": mode, "persist": True}


def _ifupdown(devices: Sequence[str], size: int) -> list[dict[str, Any]]:
    if not devices:
        return []
    lines = "".join(f'[ "$IFACE" != {name} ] || ip link set dev {name} mtu {size}\n' for name in devices)
    return [_file(BEFORE_UP, f"#!/bin/sh\n{HEAD}{lines}exit 0\n", "0755"),
            _file(AFTER_UP, f"#!/bin/sh\n{HEAD}exec /bin/sh {SCRIPT}\n", "0755")]


def _routes(devices: Sequence[Mapping[str, Any]], free: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    lines = "\n".join(" ".join(["keep", device["name"], str(device["mtu"]), *free.get(device["name"], ())]) for device in devices)
    return [_file(SCRIPT, SCRIPT_TEXT.format(head=HEAD, lines=lines)), _file(UNIT, UNIT_TEXT),
            {"kind": "unit", "name": NAME, "enabled": "enabled", "persist": True}]
