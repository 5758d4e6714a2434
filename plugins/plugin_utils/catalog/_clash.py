# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What several tunings are refused for: a setting that excludes them, a chained CNI plugin, no devices."""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

# What an agent takes for a key that nobody wrote.
AGENT_DEFAULTS = {
    "enable-ipv4": "true", "enable-ipv6": "true", "enable-ipv4-masquerade": "true", "enable-ipv6-masquerade": "true",
    "enable-remote-node-identity": "true", "datapath-mode": "veth", "bpf-lb-dsr-dispatch": "opt",
}


def on(view: View, key: str) -> bool:
    """Whether cilium-config turns this on, by itself or by what agents take where the key is missing."""
    return view.config_value(key, AGENT_DEFAULTS) == "true"


def excluded(view: View, key: str, what: str, way_out: str, since: str | None = None, until: str | None = None
             ) -> Iterator[Finding]:
    """A setting that is on, and that agents since..until do not take together with the tuning; `what` says so."""
    nodes = view.agents_within(since, until)
    if nodes and on(view, key):
        yield Finding(State.BLOCKED, f"{what}, and cilium-config has {key} 'true'.", way_out, nodes)


def no_devices(view: View, what: str) -> Iterator[Finding]:
    """Agents that found no network device to work on; where the status does not say, nothing is known."""
    nodes = view.running("devices", [])
    if nodes:
        yield Finding(
            State.BLOCKED,
            f"The agent on {read.name_nodes(nodes)} found no network device, and without one agents leave "
            f"{what} off silently.",
            "Name the devices in the Helm value devices, then run again.", nodes, local=True)


def chained(view: View) -> str | None:
    """The CNI plugin that Cilium is chained to."""
    mode = view.config_value("cni-chaining-mode", {})
    return None if mode in (None, "", "none") else mode
