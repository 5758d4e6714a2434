# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Cloud, virtual machine or container, by what firmware and the kernel show: nothing is asked over the network."""
from __future__ import annotations

import re
from typing import Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

DMI = "/sys/class/dmi/id/"
FIELDS = ("sys_vendor", "product_name", "bios_vendor", "bios_version", "board_vendor", "chassis_vendor", "chassis_asset_tag")
# (provider, field of DMI, beginning of its text); the first that fits.
CLOUDS = (
    ("aws", "sys_vendor", "Amazon EC2"), ("aws", "bios_vendor", "Amazon EC2"),
    ("gcp", "product_name", "Google Compute Engine"), ("gcp", "sys_vendor", "Google"),
    ("azure", "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),  # the same on every virtual machine there
    ("oracle", "chassis_asset_tag", "OracleCloud.com"),
    ("alibaba", "sys_vendor", "Alibaba Cloud"), ("tencent", "sys_vendor", "Tencent Cloud"),
    ("huawei", "sys_vendor", "Huawei Cloud"), ("huawei", "chassis_asset_tag", "HUAWEICLOUD"),
    ("digitalocean", "sys_vendor", "DigitalOcean"), ("hetzner", "sys_vendor", "Hetzner"), ("vultr", "sys_vendor", "Vultr"),
    ("linode", "sys_vendor", "Linode"), ("linode", "sys_vendor", "Akamai Connected Cloud"),
    ("scaleway", "sys_vendor", "Scaleway"),
    ("exoscale", "product_name", "Exoscale"), ("upcloud", "sys_vendor", "UpCloud"), ("ovh", "product_name", "OVH"),
    ("openstack", "product_name", "OpenStack"), ("openstack", "sys_vendor", "OpenStack"),
    ("openstack", "chassis_asset_tag", "OpenTelekomCloud"),
)
HYPERVISORS = (
    ("amazon", "sys_vendor", "Amazon EC2"), ("google", "sys_vendor", "Google"), ("kvm", "product_name", "KVM"),
    ("qemu", "sys_vendor", "QEMU"), ("vmware", "sys_vendor", "VMware"), ("microsoft", "sys_vendor", "Microsoft Corporation"),
    ("oracle", "sys_vendor", "innotek GmbH"), ("oracle", "product_name", "VirtualBox"), ("xen", "sys_vendor", "Xen"),
    ("parallels", "sys_vendor", "Parallels"), ("bhyve", "bios_vendor", "BHYVE"), ("kubevirt", "sys_vendor", "KubeVirt"),
    ("kvm", "sys_vendor", "Red Hat"), ("kvm", "product_name", "OpenStack"), ("kvm", "sys_vendor", "Nutanix"),
)
METAL = re.compile(r"\.metal(?:-[0-9a-z]+)?\Z")
RUNTIMES = (("docker", "docker"), ("kubepods", "kubernetes"), ("libpod", "podman"), ("containerd", "containerd"),
            ("/lxc", "lxc"))


def read(root: Root, unread: Unread) -> Dict[str, Optional[object]]:
    """cloud, virtualization and container."""
    fields = {name: unread.attempt("dmi/" + name, root.word, DMI + name) or "" for name in FIELDS}
    return {
        "cloud": unread.attempt("cloud", cloud, root, fields),
        "virtualization": unread.attempt("virtualization", virtualization, root, fields),
        "container": unread.attempt("container", container, root),
    }


def cloud(root: Root, fields: Dict[str, str]) -> Optional[Dict[str, str]]:
    """{provider, evidence}; None where firmware names none that is known."""
    for provider, field, beginning in CLOUDS:
        if fields[field].startswith(beginning):
            return {"provider": provider, "evidence": "{0} is {1}".format(field, one_line(fields[field], 80))}
    # EC2's old Xen instances.
    uuid = (root.word("/sys/hypervisor/uuid") or "").lower()
    if uuid.startswith("ec2"):
        return {"provider": "aws", "evidence": "/sys/hypervisor/uuid begins with ec2"}
    return None


def virtualization(root: Root, fields: Dict[str, str]) -> Optional[str]:
    """The hypervisor's name, "vm" for one that only its CPU flag shows; None on hardware."""
    if METAL.search(fields["product_name"]) and fields["sys_vendor"].startswith("Amazon"):
        return None
    kind = root.word("/sys/hypervisor/type")
    # A Xen host itself (domain 0) is hardware.
    if kind and "control_d" not in (root.word("/proc/xen/capabilities") or ""):
        return kind
    flagged = "hypervisor" in _flags(root)
    for name, field, beginning in HYPERVISORS:
        # Vendors of hypervisors make hardware, too: x86 says by a flag which it is.
        if fields[field].startswith(beginning) and (flagged or not _flags(root)):
            return name
    return "vm" if flagged or root.there("/proc/device-tree/hypervisor") else None


def _flags(root: Root) -> str:
    match = re.search(r"^flags\s*:(.*)$", (root.text("/proc/cpuinfo") or "")[:65536], re.MULTILINE)
    return match.group(1) if match else ""


def container(root: Root) -> Optional[str]:
    """The container's kind where this is one."""
    found = root.word("/run/systemd/container")
    if found:
        return one_line(found, 40)
    for name, kind in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if root.there(name):
            return kind
    groups = root.text("/proc/1/cgroup") or ""
    return next((kind for word, kind in RUNTIMES if word in groups), None)
