# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kernel: release, the options it was built with that matter here, its command line and its lockdown."""
from __future__ import annotations

import re
import zlib
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import MOST_BYTES, Root, Unread
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN, is_secret, redacted
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

WANTED = frozenset("CONFIG_" + name for name in (
    "PREEMPT_NONE PREEMPT_VOLUNTARY PREEMPT PREEMPT_LAZY PREEMPT_RT PREEMPT_DYNAMIC PREEMPT_BUILD PREEMPT_NONE_BUILD "
    "PREEMPT_VOLUNTARY_BUILD PREEMPT_NONE_BEHAVIOUR PREEMPT_VOLUNTARY_BEHAVIOUR PREEMPT_BEHAVIOUR "
    "HZ NO_HZ_IDLE NO_HZ_FULL RCU_NOCB_CPU CPU_ISOLATION SMP NUMA NR_CPUS MODULES DEBUG_FS SECURITY_LOCKDOWN_LSM "
    "CPU_FREQ CPU_FREQ_GOV_PERFORMANCE CPU_FREQ_GOV_SCHEDUTIL CPU_IDLE INTEL_IDLE X86_INTEL_PSTATE X86_AMD_PSTATE "
    "BPF BPF_SYSCALL BPF_JIT BPF_JIT_ALWAYS_ON CGROUP_BPF DEBUG_INFO_BTF XDP_SOCKETS NET_CLS_BPF NET_CLS_ACT "
    "NET_SCH_INGRESS NET_SCH_FQ NET_SCH_FQ_CODEL TCP_CONG_BBR TCP_CONG_CUBIC NETKIT VETH VLAN_8021Q BONDING NET_TEAM "
    "VXLAN GENEVE IPV6 IP_MULTIPLE_TABLES XPS RPS RFS_ACCEL NETFILTER_XT_MATCH_SOCKET NETFILTER_XT_TARGET_TPROXY "
    "NETFILTER_XT_TARGET_CT NET_IPIP INET_IPCOMP XFRM CRYPTO_SHA1 TRANSPARENT_HUGEPAGE LIVEPATCH").split())
LINE = re.compile(r"(CONFIG_[A-Z0-9_]{1,80})=(.{0,200})\Z|# (CONFIG_[A-Z0-9_]{1,80}) is not set\Z")
ARGUMENT = re.compile(r'(?:"[^"]*"?|[^\s"])+')
FILES = ("/boot/config-{0}", "/lib/modules/{0}/config", "/usr/lib/modules/{0}/config", "/lib/modules/{0}/build/.config")
URL_QUERY = re.compile(r"(://[^\s?]*\?)\S+")  # install servers are told tokens in this way
CHOSEN = re.compile(r"\[([a-z]+)\]")


def read(root: Root, unread: Unread) -> Dict[str, Any]:
    """The document's `kernel`."""
    release = unread.attempt("kernel/release", root.word, "/proc/sys/kernel/osrelease")
    return {
        "release": release,
        "version": unread.attempt("kernel/version", root.word, "/proc/sys/kernel/version"),
        "architecture": unread.attempt("kernel/architecture", root.word, "/proc/sys/kernel/arch"),
        "config": unread.attempt("kernel/config", config, root, release),
        "command_line": unread.attempt("kernel/command_line", command_line, root),
        "lockdown": unread.attempt("kernel/lockdown", lockdown, root),
        "transparent_hugepages": unread.attempt(
            "kernel/transparent_hugepages", _chosen, root, "/sys/kernel/mm/transparent_hugepage/enabled"),
    }


def config(root: Root, release: Optional[str]) -> Dict[str, str]:
    """The options of `WANTED` that the kernel's configuration names; "n" for those that are off."""
    content = _packed(root.raw("/proc/config.gz"))
    for name in FILES:
        if content is None and release and "/" not in release:
            content = root.text(name.format(release))
    if content is None:
        raise HostError("not_found", "There is neither /proc/config.gz nor a config file of kernel {0} in /boot or "
                        "/lib/modules.".format(release or "(unknown)"))
    found = parse_config(content)
    if not found:
        raise HostError("garbled", "The kernel's configuration holds no option that is known.")
    return found


def _packed(content: Optional[bytes]) -> Optional[str]:
    if content is None:
        return None
    try:
        return zlib.decompressobj(wbits=31).decompress(content, MOST_BYTES).decode("utf-8", "replace")
    except zlib.error:
        raise HostError("garbled", "/proc/config.gz is no gzip file.") from None


def parse_config(content: str) -> Dict[str, str]:
    """{CONFIG_X: value} of the options of `WANTED`. Pure."""
    found = {}
    for line in content.splitlines():
        match = LINE.match(line) if "CONFIG_" in line[:9] else None
        if match and (match.group(1) or match.group(3)) in WANTED:
            found[match.group(1) or match.group(3)] = "n" if match.group(3) else one_line(match.group(2)).strip('"')
    return found


def command_line(root: Root) -> List[str]:
    """The words of /proc/cmdline, without the secrets that some installers are given there."""
    content = root.text("/proc/cmdline")
    if content is None:
        raise HostError("not_found", "There is no /proc/cmdline.")
    return words(content)


def words(line: str) -> List[str]:
    """The words of a command line, secrets masked. Pure."""
    return [_masked(one_line(word, 2000)) for word in ARGUMENT.findall(line.replace("\0", " "))]


def _masked(word: str) -> str:
    key, sign, value = word.partition("=")
    if sign and is_secret(key.replace(".", "-"), value):
        return key + "=" + HIDDEN
    return URL_QUERY.sub(r"\1" + HIDDEN, redacted(word))


def lockdown(root: Root) -> Optional[str]:
    """none, integrity or confidentiality; None for a kernel that has no lockdown."""
    found = _chosen(root, "/sys/kernel/security/lockdown")
    if found is None and not root.names("/sys/kernel/security"):
        raise HostError("not_found", "securityfs is not mounted at /sys/kernel/security, so the kernel's lockdown cannot "
                        "be read.")
    return found


def _chosen(root: Root, name: str) -> Optional[str]:
    """The word in brackets of "none [integrity] confidentiality"."""
    found = root.word(name)
    if found is None:
        return None
    match = CHOSEN.search(found)
    if match is None:
        raise HostError("garbled", "{0} shows no choice: {1}.".format(name, one_line(found, 60)))
    return match.group(1)


def argument(words: Optional[List[str]], name: str) -> Optional[str]:
    """The value that a command line gives an argument last, None where it does not; what follows `--` is init's."""
    kernels = words[:words.index("--")] if words and "--" in words else words or []
    values = [word.partition("=")[2].strip('"') for word in kernels if word.partition("=")[0] == name and "=" in word]
    return values[-1] if values else None
