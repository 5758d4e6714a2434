# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""tuned's network profile, in a profile of our own that includes it and keeps what Cilium and the site need.

Why: network-latency and network-throughput set governor, energy preference, busy polling, socket buffers and dirty limits as
their names say; tuned keeps them through boots and takes them back when another profile is chosen.
Cost: more power. network-latency also sets transparent huge pages to never, kernel.numa_balancing, kernel.timer_migration and
the NMI watchdog to 0, vm.stat_interval to 10, busy_read and busy_poll to 50 and tcp_fastopen to 3, and asks for the boot
arguments skew_tick=1 tsc=reliable, which wait for a reboot; network-throughput raises tcp_rmem and tcp_wmem. Both include
tuned's latency-performance or throughput-performance.
Undo: tuned goes back to its former profile, or is off again; the files of ours go away.
Refuse when: tuned is not installed, or does not have the profile; where it runs without a daemon, it cannot take it back.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Option, Options, Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._places import fixed, own_file, unit
from ansible_collections.fastpath.cilium.plugins.module_utils.versions import parse_version

PREFIX = "fastpath-"
# The profiles that tuned brings; any other one is the site's own.
SHIPPED = {
    "accelerator-performance", "atomic-guest", "atomic-host", "aws", "balanced", "balanced-battery", "cpu-partitioning",
    "cpu-partitioning-powersave", "default", "desktop", "desktop-powersave", "enterprise-storage", "hpc-compute", "intel-sst",
    "laptop-ac-powersave", "laptop-battery-powersave", "latency-performance", "mssql", "network-latency", "network-throughput",
    "openshift", "openshift-control-plane", "openshift-node", "optimize-serial-console", "oracle", "postgresql", "powersave",
    "realtime", "realtime-virtual-guest", "realtime-virtual-host", "sap-hana", "sap-hana-kvm-guest", "sap-netweaver",
    "server-powersave", "spectrumscale-ece", "spindown-disk", "throughput-performance", "virtual-guest", "virtual-host"}
# From this version on profiles have a folder of their own.
OWN_FOLDER_SINCE = (2, 24)
SYSCTL_FILE = "/etc/sysctl.d/99-zzz-fastpath-cilium.conf"
# tuned reads the system's sysctl files again when it applies a profile, and distributions set rp_filter there. Cilium's agents
# set it to 0 when they start, and nothing sets it again. Of all files the last one wins.
SYSCTL_TEXT = """# Written by fastpath.cilium; goes away when its run is taken back.
# Cilium's agents want this; whoever reads the system's sysctl files again would set it otherwise.
net.ipv4.conf.all.rp_filter = 0
"""


def name(options: Options) -> str:
    """Of our own profile."""
    return f"{PREFIX}{options['profile']}"


def refusals(host: Host, options: Options) -> Iterator[Finding]:
    """Hosts without tuned, or with one that cannot do this."""
    yield from fixed(host)
    found = host.part("tuned")
    profiles = read.listing(found.get("profiles"))
    if found.get("installed") is False:
        yield Finding(State.NOT_APPLICABLE, "tuned is not installed.",
                      "Install the package tuned, then run again; cpu_performance needs no tuned.")
    elif found.get("installed") is None or profiles is None:
        why = host.why_unread("tuned")
        yield Finding(State.UNKNOWN, f"tuned's state is not known{f' ({why})' if why else ''}.",
                      "See why it cannot be read there, and run again.")
    elif options["profile"] not in profiles:
        yield Finding(State.BLOCKED, f"tuned has no profile {options['profile']}.", "Install the package that brings it.")
    elif str((read.mapping(found.get("options")) or {}).get("daemon", "1")).lower() in ("0", "false", "no"):
        yield Finding(State.BLOCKED, "tuned runs without its daemon (daemon = 0), and then cannot take a profile back.",
                      "Set daemon = 1 in /etc/tuned/tuned-main.conf, or leave tuned_profile out.")


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """Our profile's file, rp_filter out of its reach, the daemon, then the profile itself."""
    found = host.part("tuned")
    yield own_file(host, _path(host, options), text(host, options), f"the profile {name(options)}")
    if host.node is not None:
        yield own_file(host, SYSCTL_FILE, SYSCTL_TEXT, "the sysctl file that keeps rp_filter as Cilium wants it")
    for what in ("running", "enabled"):
        state = read.truth(found.get(what))
        yield Setting(f"tuned {'running' if what == 'running' else 'started at boot'}", UNREAD if state is None else state, True,
                      (unit("tuned.service", True, True),), at_boot=what == "enabled", fact=f"tuned/{what}")
    active = host.fact("tuned.active_profile")
    yield Setting("tuned's active profile", active, name(options), ({"kind": "tuned_profile", "profile": name(options)},),
                  fact="tuned/active_profile")


def _path(host: Host, options: Options) -> str:
    version = parse_version(read.text(host.part("tuned").get("version"))) or ()
    folder = "/etc/tuned/profiles" if version >= OWN_FOLDER_SINCE else "/etc/tuned"
    return f"{folder}/{name(options)}/tuned.conf"


def text(host: Host, options: Options) -> str:
    """Our profile: tuned's, over it the site's own where one is active, over both what Cilium needs."""
    included = [options["profile"], *site_profiles(host)]
    lines = ["# Written by fastpath.cilium; goes away when its run is taken back.", "[main]",
             f"summary=tuned's {options['profile']} with what Cilium needs", f"include={','.join(included)}"]
    if keeps_fast_open_out(host, options):
        lines += ["", "[sysctl]", "# A server's fast open answers before the handshake, which DSR's first packet does not survive.",
                  "net.ipv4.tcp_fastopen=1"]
    return "\n".join(lines) + "\n"


def site_profiles(host: Host) -> list[str]:
    """Active profiles that are neither tuned's nor ours: what they set goes on to hold."""
    active = read.text(host.part("tuned").get("active_profile")) or ""
    if active.startswith(PREFIX):
        return _kept(host, active)
    return [profile for profile in active.split() if profile not in SHIPPED]


def _kept(host: Host, ours: str) -> list[str]:
    """What our profile's file includes besides tuned's own: what was the site's when it was written."""
    for path, content in host.part("files").items():
        if isinstance(path, str) and f"/{ours}/" in path and isinstance(content, str):
            included = [line.partition("=")[2] for line in content.splitlines() if line.startswith("include=")]
            return [profile for profile in ",".join(included).split(",") if profile and profile not in SHIPPED]
    return []


def keeps_fast_open_out(host: Host, options: Options) -> bool:
    """Whether NodePort answers come from backends here (DSR), or shall."""
    wanted = host.policy.get("dsr")
    mode = wanted.options.get("mode") if wanted else None
    running = host.view.running("nodeport_mode", "dsr", "hybrid")
    return host.node is not None and (mode in ("dsr", "hybrid") or mode is None and bool(running))


def notes(host: Host, options: Options) -> Iterator[str]:
    """What the profile does besides, and what it asks for at the next boot."""
    site = site_profiles(host)
    if site:
        yield f"The profile {', '.join(site)} of this site is included and wins over tuned's where both set something."
    if options["profile"] == "network-latency":
        yield "network-latency turns transparent huge pages off (never) and sets busy polling; its boot arguments wait for a reboot."
    if host.virtual:
        yield "tuned recommends virtual-guest on a virtual machine; what of the profile sets CPUs has no meaning here."


TUNING = HostTuning(
    id="tuned_profile",
    title="tuned's network profile",
    phase=HostPhase.PROFILE,
    risk=Risk.NONE,
    reason="tuned changes sysctls, governors and huge pages at once; connections stay.",
    undo="tuned goes back to the former profile, which takes all of that back; the files of ours go away.",
    options=(Option("profile", ("network-throughput", "network-latency"), "network-throughput"),),
    profiles={"latency": {"profile": "network-latency"}, "throughput": {"profile": "network-throughput"},
              "max": {"profile": "network-latency"}},
)
