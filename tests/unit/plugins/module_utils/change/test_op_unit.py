# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Answer
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_unit import Unit
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot


def unit(host, name="irqbalance.service", **fields):
    return Unit(dict({"kind": "unit", "name": name}, **fields), host)


@pytest.mark.parametrize("name", ("irqbalance.service", "tuned.service", "pair.service"))
@pytest.mark.parametrize("fields", (
    {"enabled": "masked", "active": False}, {"enabled": "disabled", "active": False}, {"enabled": "enabled", "active": True},
    {"active": False}, {"active": True}, {"enabled": "masked"}), ids=str)
def test_a_unit_becomes_what_is_asked_for_and_what_it_was(host, name, fields):
    before = snapshot(host)
    op = unit(host, name, **fields)
    former = op.read()
    if not op.holds(former):
        op.apply(former)
    state = op.read()
    assert op.holds(state) and state["active"] == fields.get("active", former["active"])
    assert state["enabled"] == fields.get("enabled", former["enabled"])
    if not op.same(state, former):
        op.restore(former)
    found = differences(snapshot(host), before)
    found.pop("tuned", None)  # the profile is another op's
    assert not {name for name in found if "somaxconn" not in name}


def test_a_masked_unit_is_unmasked_and_masked_again(host):
    os.symlink("/dev/null", host.at("/etc/systemd/system/pair.service"))
    host.change(["systemctl", "daemon-reload"])
    before = snapshot(host)
    op = unit(host, "pair.service", enabled="enabled", active=True)
    former = op.read()
    assert former["enabled"] == "masked"
    op.apply(former)
    assert op.holds(op.read())
    op.restore(former)
    assert not differences(snapshot(host), before)


def test_a_unit_that_is_not_there_has_nothing_to_stop_and_cannot_start(host):
    stop = unit(host, "none.service", enabled="disabled", active=False)
    assert stop.holds(stop.read()) and stop.shown(stop.read()) == {"enabled": "no such unit", "active": False}
    start = unit(host, "none.service", active=True)
    with pytest.raises(ChangeError, match="Unit none.service not loaded"):
        start.apply(start.read())


def test_a_daemon_that_has_stopped_is_nobodys_edit_and_another_enablement_is(host):
    op = unit(host, enabled="enabled", active=True)
    ours = op.read()
    assert not op.edited(dict(ours, active=False), ours)
    assert op.edited(dict(ours, enabled="masked"), ours)


def test_debians_links_of_run_levels_are_left_alone(host, monkeypatch):
    given = []
    monkeypatch.setattr(host, "run", lambda argv, timeout, env: given.append((argv[2], env)) or Answer(0, "", ""))
    unit(host, enabled="disabled").apply({"enabled": "enabled"})
    assert given == [("disable", {"SYSTEMCTL_SKIP_SYSV": "1"})]


def test_without_systemd_nothing_is_done(host):
    os.unlink(host.at("/run/systemd/system/keep"))
    os.rmdir(host.at("/run/systemd/system"))
    with pytest.raises(Refused, match="systemd does not run on this node"):
        unit(host, active=True).read()
