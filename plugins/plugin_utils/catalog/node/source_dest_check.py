# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The fabric lets packets pass that do not carry the node's own address: what DSR, and native routing, ask of a cloud.

Why: with DSR a backend's node answers with the address of the node that was asked; a fabric that checks sources drops that.
Cost: the fabric no longer keeps a node from sending with foreign addresses; Cilium's policies and the node itself do.
Undo: turn the check on again, by the same means.
Refuse when: it is never applied here; whether the check is off cannot be seen from the host, so it stays a hint.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#direct-server-return-dsr
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Options, Risk, State

# By the provider of Node.spec.providerID: what has to be set, and the command that does it.
PROVIDERS = {
    "aws": ("the source/destination check of each network interface of the instance is off",
            "aws ec2 modify-instance-attribute --no-source-dest-check --instance-id {id}"),
    "azure": ("IP forwarding is on for each network interface of the machine",
              "az network nic update --ip-forwarding true --ids <the machine's network interface>"),
    "gce": ("the instance may forward packets (canIpForward, set when it is made)",
            "gcloud compute instances create ... --can-ip-forward"),
    "openstack": ("the port's security is off, or allows the other addresses",
                  "openstack port set --allowed-address ip-address=0.0.0.0/0 <the server's port>"),
    "alicloud": ("the source/destination check of the network interface is off",
                 "aliyun ecs ModifyNetworkInterfaceAttribute --SourceDestCheck false --NetworkInterfaceId <interface>"),
    "vsphere": ("the port group accepts forged transmits", "the port group's security policy: Forged transmits: Accept"),
    "proxmox": ("the virtual machine's firewall does not filter by address", "qm set {id}: net0 ...,firewall=0, or ipfilter off"),
    "hcloud": ("the network has routes for foreign addresses; servers themselves are not checked inside it",
               "hcloud network add-route --destination <range> --gateway <server> <network>"),
}
ALIASES = {"alibabacloud": "alicloud", "gcp": "gce", "google": "gce", "vmware": "vsphere"}


def provider(host: Host) -> tuple[str, str] | None:
    """(provider, the machine's id there) by the node's provider id, else by what the host's firmware says."""
    kind, _sep, rest = str((host.node or {}).get("provider_id") or "").partition("://")
    told = kind or str(host.part("cloud").get("provider") or "")
    return (ALIASES.get(told.lower(), told.lower()), rest.rsplit("/", 1)[-1]) if told else None


def refusals(host: Host, options: Options) -> Iterator[Finding]:
    """All that can be said from here: what has to be so at this provider."""
    found = provider(host)
    if found is None:
        yield Finding(State.NOT_APPLICABLE, "No cloud is known to run it, so no cloud checks its packets' sources.",
                      "Where a virtual switch lies below, see that it accepts forged transmits.")
    elif found[0] not in PROVIDERS:
        yield Finding(State.UNKNOWN, f"Whether {read.text(found[0])} checks sources is not known here.",
                      "Ask the provider whether an instance may send with the address of another one.")
    else:
        what, command = PROVIDERS[found[0]]
        yield Finding(State.UNKNOWN, f"It cannot be seen from the host whether {what}.",
                      command.replace("{id}", found[1] or "<id>"))


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """Nothing that a host shows."""
    yield from ()


TUNING = HostTuning(
    id="source_dest_check",
    title="No check of packets' sources by the fabric",
    phase=HostPhase.HINT,
    risk=Risk.NONE,
    reason="It is set at the provider, not on the host.",
    undo="Turn the check on again at the provider.",
    applies=False,
    hint=True,
    way_out="See the provider's own documentation.",
)
