# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No preemption in the kernel: a system call or a packet's way through the stack is not cut short for another task.

Why: each preemption costs a switch and cold caches; for throughput a server's kernel is best left to finish what it does.
Cost: a task may wait longer for its turn while the kernel works for another one.
Undo: the former model, live and on the command line.
Refuse when: the kernel was built for real time; or with a fixed other model, where another kernel has to be installed. From
Linux 7.0 on the big architectures have full and lazy only: lazy is taken there.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Options, Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._places import fixed

NAMES = {
    "debian": "Debian's kernels choose at boot (PREEMPT_DYNAMIC) from 6.1 on: install a newer linux-image",
    "ubuntu": "Ubuntu's linux-generic chooses at boot from 5.19 on; linux-lowlatency is the one to leave",
    "rhel": "RHEL's standard kernel (not kernel-rt) is built so, and chooses at boot from RHEL 9 on",
}


def aim(host: Host) -> str | None:
    """none; lazy where the kernel no longer has none; None where it cannot be told what it has."""
    models = read.listing(host.part("preemption").get("available"))
    if models is None:
        return "none" if host.part("preemption").get("build") == "none" else None
    return "none" if "none" in models else "lazy" if "lazy" in models else None


def refusals(host: Host, options: Options) -> Iterator[Finding]:
    """What cannot be switched here."""
    yield from fixed(host)
    found = host.part("preemption")
    if "rt" in (found.get("build"), found.get("live")):
        yield Finding(State.BLOCKED, "The kernel is built for real time (PREEMPT_RT), which is preempted everywhere by design.",
                      "Install the distribution's standard kernel, or leave kernel_preemption out.")
    elif found.get("dynamic") is False and found.get("build") not in ("none", None):
        system = str(host.part("os").get("id"))
        way = NAMES.get(system, "Install a kernel that is built with CONFIG_PREEMPT_DYNAMIC or CONFIG_PREEMPT_NONE")
        yield Finding(State.BLOCKED, f"The kernel is built with the model {found['build']} and without a choice "
                      "(CONFIG_PREEMPT_DYNAMIC).", f"{way}; or leave kernel_preemption out.")
    elif aim(host) is None and found.get("available") is not None:
        yield Finding(State.BLOCKED, f"The kernel offers {', '.join(map(str, found['available']))} only.",
                      "Install another kernel, or leave kernel_preemption out.")


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """The live model where debugfs lets it be switched, and the command line of the next boot."""
    found, wanted = host.part("preemption"), aim(host) or "none"
    live = found.get("live")
    yield Setting("the live preemption model", UNREAD if live is None else live, wanted, tuple(_switch(host, wanted)),
                  fact="preemption/live")
    if found.get("dynamic") is True and found.get("build") != wanted:
        yield Setting("preempt= on the kernel's command line", next_boot(host, "preempt"), wanted,
                      ({"kind": "kernel_argument", "name": "preempt", "value": wanted},), at_boot=True,
                      fact="boot_loader/next_command_line")


def _switch(host: Host, wanted: str) -> Iterator[dict[str, str]]:
    path = read.text(host.part("preemption").get("switch"))
    if path and host.part("kernel").get("lockdown") in ("none", None):
        yield {"kind": "value", "path": path, "value": wanted, "compare": "selected"}


def next_boot(host: Host, name: str) -> object:
    """The value that the next boot's command line has for an argument; None where it has none, UNREAD where not known."""
    words = read.listing(host.part("boot_loader").get("next_command_line"))
    if words is None:
        return UNREAD
    values = [word.partition("=")[2] for word in words if isinstance(word, str) and word.partition("=")[0] == name]
    return values[-1] if values else None


def notes(host: Host, options: Options) -> Iterator[str]:
    """What stands in the way of the live switch."""
    lockdown = host.part("kernel").get("lockdown")
    if lockdown not in ("none", None):
        yield f"The kernel is locked down ({lockdown}), so that only the next boot can change the model."


TUNING = HostTuning(
    id="kernel_preemption",
    title="No preemption in the kernel",
    phase=HostPhase.KERNEL,
    risk=Risk.NONE,
    reason="The model is switched live where the kernel allows it, and set for the next boot; nothing is rebooted for it.",
    undo="The former model is switched back, and the argument taken off the command line.",
    profiles={"throughput": {}, "max": {}},
)
