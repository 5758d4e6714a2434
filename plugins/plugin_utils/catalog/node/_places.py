# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What several host tunings say or do alike."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, State

# What to use where the host's own files are not the administrator's to write.
ELSEWHERE = {
    "talos": "Use machine.sysctls, machine.sysfs and machine.install.extraKernelArgs of Talos' machine configuration.",
    "bottlerocket": "Use settings.kernel and settings.boot of Bottlerocket's user data.",
    "flatcar": "Use its Ignition or Butane configuration.",
    "fcos": "Use its Ignition or Butane configuration, or rpm-ostree kargs.",
    "rhcos": "Use OpenShift's Node Tuning Operator and MachineConfig.",
}


def fixed(host: Host) -> Iterator[Finding]:
    """Hosts that are not set up by changing their files: containers, and systems that are written as a whole."""
    system = host.part("os")
    if read.text(host.facts.get("container")):
        yield Finding(State.NOT_APPLICABLE, f"It is a container ({host.facts['container']}): kernel and devices are its host's.",
                      "Tune the machine that it runs on.")
    elif system.get("immutable") is True:
        name = read.text(system.get("id")) or "this system"
        yield Finding(State.NOT_APPLICABLE, f"{read.text(system.get('name')) or name} does not let its files be changed one by one.",
                      ELSEWHERE.get(name.lower(), "Use the means of that system's own configuration."))


def file(path: str, content: str, mode: str = "0644") -> dict[str, Any]:
    """The op of a file of ours."""
    return {"kind": "file", "path": path, "content": content, "mode": mode}


def own_file(host: Host, path: str, content: str, what: str, *more: Mapping[str, Any], at_boot: bool = False) -> Setting:
    """A file of ours, which host_info reads back whole; `more` are ops that take it into force."""
    files = host.part("files")
    found = files.get(path) if path in files else UNREAD
    return Setting(what, _named(found, content), "as written by us", (file(path, content), *more), at_boot, f"files/{path}")


def _named(found: Any, content: str) -> Any:
    """Contents are long: what counts is whether it is ours."""
    if found is UNREAD or found is None:
        return found
    return "as written by us" if found == content else "different"


def unit(name: str, enabled: bool | None, active: bool | None = None) -> dict[str, Any]:
    """The op of a systemd unit."""
    op: dict[str, Any] = {"kind": "unit", "name": name}
    if enabled is not None:
        op["enabled"] = "enabled" if enabled else "disabled"
    if active is not None:
        op["active"] = active
    return op
