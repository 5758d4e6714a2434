# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_tuned import TunedProfile
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot


def profile(host, name="network-latency"):
    return TunedProfile({"kind": "tuned_profile", "profile": name}, host)


@pytest.mark.parametrize("former_way", (["auto_profile"], ["profile", "balanced"], ["profile", "site", "extra"], ["off"]), ids=str)
def test_the_former_profile_comes_back_in_its_mode_with_what_it_had_set(host, former_way):
    host.change(["tuned-adm", *former_way])
    before = snapshot(host)
    op = profile(host)
    former = op.read()
    op.apply(former)
    assert op.holds(op.read()) and host.text("/proc/sys/net/core/somaxconn") == "2048\n"
    op.restore(former)
    assert op.same(op.read(), former) and not differences(snapshot(host), before)


def test_a_profile_that_only_stands_in_a_file_is_not_at_work(host):
    host.change(["systemctl", "stop", "tuned.service"])
    op = profile(host, "balanced")
    former = op.read()
    assert not former["running"] and former["active"] == "" and not op.holds(former)
    with pytest.raises(Refused, match="its unit has to be started first"):
        op.apply(former)


def test_started_for_us_tuned_is_without_a_profile_again_before_it_stops(host):
    host.change(["systemctl", "stop", "tuned.service"])
    before = snapshot(host)
    op = profile(host)
    former = op.read()
    host.change(["systemctl", "start", "tuned.service"])
    op.apply(op.read())
    op.restore(former)
    assert op.same(op.read(), former) and host.text("/etc/tuned/active_profile") == "balanced\n"
    host.change(["systemctl", "stop", "tuned.service"])
    assert not differences(snapshot(host), before)


def test_profiles_and_tools_that_are_not_there_are_told(host, monkeypatch):
    with pytest.raises(ChangeError, match="Requested profile 'missing' doesn't exist"):
        profile(host, "missing").apply({})

    def missing(*arguments):
        raise Gone("tuned-adm is not installed on this node.")

    monkeypatch.setattr(host, "run", missing)
    with pytest.raises(Gone, match="not installed"):
        profile(host).read()
