# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import platform
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import facts_of


def found(tmp_path, flags="fpu", **files):
    for name, content in files.items():
        path = tmp_path / "sys/class/dmi/id" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    (tmp_path / "proc").mkdir(exist_ok=True)
    (tmp_path / "proc/cpuinfo").write_text(f"flags\t\t: {flags}\n")
    return platform.read(Root(str(tmp_path)), Unread())


@pytest.mark.parametrize("provider, field, text", [
    ("aws", "sys_vendor", "Amazon EC2"), ("gcp", "product_name", "Google Compute Engine"),
    ("azure", "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"), ("openstack", "product_name", "OpenStack Nova"),
    ("oracle", "chassis_asset_tag", "OracleCloud.com"), ("hetzner", "sys_vendor", "Hetzner"),
    ("alibaba", "sys_vendor", "Alibaba Cloud"),
])
def test_clouds_by_firmware(tmp_path, provider, field, text):
    assert found(tmp_path, **{field: text})["cloud"] == {"provider": provider, "evidence": f"{field} is {text}"}


def test_microsofts_hypervisor_is_not_azure(tmp_path):
    assert found(tmp_path, "hypervisor", sys_vendor="Microsoft Corporation") == {
        "cloud": None, "virtualization": "microsoft", "container": None}


def test_xen_on_ec2(tmp_path):
    (tmp_path / "sys/hypervisor").mkdir(parents=True)
    (tmp_path / "sys/hypervisor/uuid").write_text("ec2e1916-9099-7caf-fd21-012345abcdef\n")
    (tmp_path / "sys/hypervisor/type").write_text("xen\n")
    assert (found(tmp_path)["cloud"]["provider"], found(tmp_path)["virtualization"]) == ("aws", "xen")


@pytest.mark.parametrize("flags, files, name", [
    ("hypervisor", {"sys_vendor": "QEMU"}, "qemu"), ("hypervisor", {"sys_vendor": "VMware, Inc."}, "vmware"),
    ("hypervisor", {}, "vm"), ("fpu", {"sys_vendor": "Dell Inc."}, None),
    ("hypervisor", {"sys_vendor": "Amazon EC2", "product_name": "m6i.large"}, "amazon"),
    ("fpu", {"sys_vendor": "Amazon EC2", "product_name": "m6i.metal"}, None),
    ("fpu", {"sys_vendor": "Amazon EC2", "product_name": "c7i.metal-24xl"}, None),
    ("fpu", {"sys_vendor": "Microsoft Corporation"}, None),
])
def test_hypervisors(tmp_path, flags, files, name):
    assert found(tmp_path, flags, **files)["virtualization"] == name


@pytest.mark.parametrize("name, content, kind", [
    ("run/systemd/container", "lxc\n", "lxc"), (".dockerenv", "", "docker"), ("run/.containerenv", "", "podman"),
    ("proc/1/cgroup", "1:name=systemd:/kubepods/burstable/pod1\n", "kubernetes"),
    ("proc/1/cgroup", "0::/init.scope\n", None),
])
def test_containers(tmp_path, name, content, kind):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content)
    assert platform.container(Root(str(tmp_path))) == kind


def test_a_virtual_machine_and_a_cloud_of_the_recorded_hosts(tmp_path):
    assert facts_of(tmp_path / "a", "virtio")["virtualization"] == "qemu"
    assert facts_of(tmp_path / "b", "ena")["cloud"]["provider"] == "aws"
    assert facts_of(tmp_path / "c", "container")["container"] == "kubernetes"
