# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A newer kernel: which items of the cluster wait for one on this host. A hint; nothing is installed.

Why: eBPF host routing needs 5.10, BBR for pods 5.18, BIG TCP 5.19 (IPv6) and 6.3 (IPv4), and each kernel has faster drivers.
Cost: a reboot, and whatever a new kernel brings.
Undo: boot the former kernel.
Refuse when: it is never applied; the distribution's package manager is the place for it.
Evidence: https://docs.cilium.io/en/stable/operations/system_requirements/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.module_utils.versions import kernel_version, parse_version
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Options, Risk


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """One for each item of the catalogue that needs a kernel, with the version that the host has."""
    release = read.text(host.part("kernel").get("release"))
    version = kernel_version(release)
    for name, entry in catalog.load().items():
        least = parse_version(entry.tuning.kernel) if entry.tuning.kernel else None
        if least:
            yield Setting(f"the kernel for {name}", release if version else UNREAD, f"{entry.tuning.kernel} or newer",
                          fact="kernel/release", fits=lambda found, least=least: (kernel_version(found) or ()) >= least)


TUNING = HostTuning(
    id="kernel_upgrade",
    title="A newer kernel",
    phase=HostPhase.HINT,
    risk=Risk.REBOOT,
    reason="A new kernel takes a reboot.",
    undo="Boot the former kernel.",
    applies=False,
    hint=True,
    way_out="Install a newer kernel with the distribution's package manager, node by node: drain it, reboot, and wait until it is "
            "Ready again.",
    profiles={"max": {}},
)
