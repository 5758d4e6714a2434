# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.host import sysctl
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import root_of


def test_what_is_there_is_text_and_the_rest_is_none(tmp_path):
    unread = Unread()
    found = sysctl.read(root_of(tmp_path, "connectx"), unread)
    assert found["net.ipv4.tcp_rmem"] == "4096 131072 6291456" and found["net.core.default_qdisc"] == "fq_codel"
    assert found["net.ipv4.conf.all.rp_filter"] == "2" and found["net.netfilter.nf_conntrack_max"] is None
    assert set(found) == set(sysctl.NAMES) and unread.entries == []


def test_no_secret_is_among_them():
    assert not any("key" in name or "secret" in name for name in sysctl.NAMES)
