# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import gzip

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import kernel
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import root_of


def test_a_kernel_with_its_configuration(tmp_path):
    found = kernel.read(root_of(tmp_path, "connectx"), Unread())
    assert found["release"] == "6.8.0-40-generic" and found["lockdown"] == "none"
    assert found["transparent_hugepages"] == "madvise"
    assert found["config"] == {"CONFIG_HZ": "250", "CONFIG_PREEMPT_NONE": "n", "CONFIG_PREEMPT_VOLUNTARY": "y",
                               "CONFIG_PREEMPT": "n",
                               "CONFIG_PREEMPT_DYNAMIC": "y", "CONFIG_NET_SCH_FQ": "m", "CONFIG_TCP_CONG_BBR": "m"}


@pytest.mark.parametrize("name", ["boot/config-6.1", "lib/modules/6.1/config", "usr/lib/modules/6.1/config"])
def test_where_distributions_keep_the_configuration(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("CONFIG_NETKIT=y\n")
    assert kernel.config(Root(str(tmp_path)), "6.1") == {"CONFIG_NETKIT": "y"}


def test_the_kernels_own_copy_comes_first(tmp_path):
    for name, content in (("boot/config-6.1", b"CONFIG_HZ=100\n"), ("proc/config.gz", gzip.compress(b"CONFIG_HZ=1000\n"))):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content)
    assert kernel.config(Root(str(tmp_path)), "6.1") == {"CONFIG_HZ": "1000"}


@pytest.mark.parametrize("content, kind", [(None, "not_found"), (b"no gzip", "garbled"),
                                           (gzip.compress(b"nothing", mtime=0), "garbled")])
def test_a_configuration_that_cannot_be_read(tmp_path, content, kind):
    (tmp_path / "proc").mkdir()
    if content is not None:
        (tmp_path / "proc/config.gz").write_bytes(content)
    with pytest.raises(HostError) as error:
        kernel.config(Root(str(tmp_path)), "../../etc")
    assert error.value.kind == kind


def test_a_packed_file_of_gigabytes_is_not_unpacked(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/config.gz").write_bytes(gzip.compress(b"CONFIG_HZ=250\n" + b"x" * 30000000, 1))
    assert kernel.config(Root(str(tmp_path)), None) == {"CONFIG_HZ": "250"}


def test_the_command_line_keeps_words_and_hides_secrets(tmp_path):
    words = kernel.command_line(root_of(tmp_path, "isolated"))
    assert "isolcpus=2-3,6-7" in words and 'dyndbg="file net/* +p"' in words
    assert "talos.config=https://pxe/?<hidden>" in words and "admin.password=<hidden>" in words
    assert not any("hunter2" in word or "abc123" in word for word in words)


def test_the_last_value_counts_and_what_follows_two_dashes_is_for_init(tmp_path):
    words = kernel.command_line(root_of(tmp_path, "isolated"))
    assert kernel.argument(words, "preempt") == "none" and kernel.argument(words, "nosuch") is None
    assert kernel.argument(None, "preempt") is None and kernel.argument(["quiet"], "quiet") is None


def test_lockdown(tmp_path):
    assert kernel.lockdown(root_of(tmp_path, "locked")) == "integrity"


def test_a_kernel_without_lockdown_is_told_from_one_that_hides_it(tmp_path):
    with pytest.raises(HostError, match="securityfs"):
        kernel.lockdown(Root(str(tmp_path)))
    (tmp_path / "sys/kernel/security").mkdir(parents=True)
    (tmp_path / "sys/kernel/security/lsm").write_text("capability\n")
    assert kernel.lockdown(Root(str(tmp_path))) is None


def test_a_choice_without_brackets_is_garbled(tmp_path):
    (tmp_path / "sys/kernel/security").mkdir(parents=True)
    (tmp_path / "sys/kernel/security/lockdown").write_text("none integrity\n")
    with pytest.raises(HostError, match="none integrity"):
        kernel.lockdown(Root(str(tmp_path)))
