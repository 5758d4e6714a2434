# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What one Cilium agent (1.9 to 1.20) says of itself: `cilium status` or `cilium-dbg status`, as text or JSON.

Source of the formats: Cilium's pkg/client/client.go (FormatStatusResponse) and its API model StatusResponse.
"""

from __future__ import annotations

import re

from typing import Dict

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status_json import read_json
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status_text import read_text
from ansible_collections.fastpath.cilium.plugins.module_utils.text import ANSI_ESCAPE

STATUS_KEYS = (
    "kube_proxy_replacement", "nodeport_mode", "dsr_dispatch", "xdp_acceleration", "lb_algorithm", "masquerading",
    "host_routing", "routing_mode", "tunnel_protocol", "bandwidth_manager", "congestion_control", "ipv4_big_tcp",
    "ipv6_big_tcp", "devices", "direct_routing_device", "socket_lb", "device_mode", "attach_mode", "annotations",
    "health", "version",
)


class NotAStatus(ValueError):
    """The text is not the status of one agent. The message is one sentence and repeats nothing of the text."""


def parse_status(text: str) -> Dict[str, object]:
    """Facts of one agent's status, whole or cut down to single lines, with or without kubectl's warnings.

    Returns a dict with exactly STATUS_KEYS. None: the text does not say (or says it twice and differently).
      kube_proxy_replacement  disabled | strict | probe | partial | true | false (as printed, in lower case)
      nodeport_mode           snat | dsr | hybrid; the default mode where Services may ask for another one
      dsr_dispatch            opt | ipip | geneve; text has it (1.15+) for DSR and Hybrid only, JSON always: it never
                              means that DSR is on
      xdp_acceleration        disabled | native | generic | best-effort
      lb_algorithm            random | maglev
      masquerading            bpf | iptables | disabled
      host_routing            bpf | legacy
      routing_mode            native | tunnel (1.16+; "(Direct Routing)" behind a device does not say it)
      tunnel_protocol         vxlan | geneve (1.16+; JSON has it under native routing too when DSR needs it)
      bandwidth_manager, ipv4_big_tcp, ipv6_big_tcp, socket_lb    enabled | disabled
      congestion_control      bbr | cubic
      devices                 list of names, those of the kube-proxy replacement; direct_routing_device is one of them
      device_mode             veth | netkit | netkit-l2
      attach_mode             tc | tcx
      annotations             list of Service annotations the agent obeys (1.17+), [] when it prints "(n/a)"
      health                  ok | warning | failure: the line "Cilium:" alone
      version                 of that line, "1.13.4" or "1.18.0-rc.1"

    Raises NotAStatus for everything else, and nothing but NotAStatus.
    """
    if not isinstance(text, str):
        raise NotAStatus("An agent's status must be given as text.")
    plain = _plain(text)
    if plain.lstrip().startswith("<"):
        raise NotAStatus("The text is a web page or XML, not the status of a Cilium agent: " + _REMEDY)
    statuses = read_json(plain) or read_text(plain)
    if not statuses:
        raise NotAStatus(_what_it_is(plain) + ": " + _REMEDY)
    if len(statuses) > 1:
        raise NotAStatus("The text holds more than one agent status: give them one at a time.")
    return {key: statuses[0].get(key) for key in STATUS_KEYS}


_REMEDY = (
    "save what `cilium-dbg status --verbose` (before 1.15 `cilium status --verbose`) prints inside an agent's pod."
)
_ERROR = re.compile(r"^(?:Error\b|error:|command terminated|Unable to connect|Is the agent running)", re.MULTILINE)


def _plain(text: str) -> str:
    """The text without colours, with one kind of line end and of blank (web pages put no-break ones)."""
    text = ANSI_ESCAPE.sub("", text)
    return text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")


def _what_it_is(plain: str) -> str:
    if not plain.strip():
        return "The text is empty"
    if "/¯¯\\" in plain:
        return "The text is the cilium command line tool's own overview of the cluster, not the status of an agent"
    if plain.lstrip().startswith(("{", "[")):
        return "The text is JSON of another kind or cut off, not the status of a Cilium agent"
    if _ERROR.search(plain):
        return "The text is an error message, not the status of a Cilium agent"
    return "The text is not the status of a Cilium agent"
