# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whatever list of ops is applied, in one call or in several, taking the run back leaves the host as it was."""
from __future__ import annotations

import os
import random

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply, confirm
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.plugins.module_utils.change.revert import Request as Back, revert
from ansible_collections.fastpath.cilium.plugins.module_utils.change.undo import fire
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

SEEDS = range(int(os.environ.get("RANDOM_LISTS", "30")))


def random_ops(dice):
    """Any kinds in any order, no two about one thing; the default discipline after those of devices, as it has to be."""
    files = ["/etc/sysctl.d/10-site.conf", "/etc/new.conf", "/etc/a/b/c.conf", "/etc/a/d.conf",
             "/etc/systemd/system/irqbalance.service.d/x.conf"]
    found = [{"kind": "file", "path": path, "content": dice.choice(["", "one\n", "two\n"]), "mode": dice.choice(["0644", "0600"])}
             for path in files]
    found += [{"kind": "file", "path": "/etc/tuned/profile_mode.bak", "state": "absent"}]
    found += [{"kind": "unit", "name": name, "enabled": dice.choice(["enabled", "disabled", "masked"]), "active": False}
              for name in ("irqbalance.service", "pair.service")]
    found += [{"kind": "tuned_profile", "profile": dice.choice(["network-latency", "network-throughput", "balanced"])},
              {"kind": "kernel_argument", "name": "preempt", "value": dice.choice(["none", "full"])},
              {"kind": "value", "path": "/proc/sys/net/core/somaxconn", "value": dice.choice(["128", "4096"])},
              {"kind": "value", "path": "/sys/kernel/debug/sched/preempt", "value": dice.choice(["none", "lazy"]), "compare": "selected"},
              {"kind": "irq_affinity", "irq": 24, "cpus": dice.sample(range(64), 2)},
              {"kind": "irq_affinity", "irq": 25, "cpus": [dice.randrange(64)]},
              {"kind": "link", "device": "eth0", "mtu": dice.choice([1500, 9000])},
              {"kind": "queues", "device": "eth0", "combined": dice.randint(1, 8)}]
    chosen = dice.sample(found, dice.randint(1, len(found)))
    chosen += [{"kind": "qdisc", "device": name, "discipline": dice.choice(["fq", "pfifo_fast"])}
               for name in ("eth0", "eth1") if dice.random() < 0.3]
    if dice.random() < 0.3:
        chosen.append({"kind": "value", "path": "/proc/sys/net/core/default_qdisc", "value": "fq"})
    return [dict(op, persist=dice.random() < 0.3) for op in chosen]


def one_call(host, dice, ops):
    """Applied and then confirmed, or left to undo itself, or failed at its end."""
    if dice.random() < 0.2:
        with pytest.raises(ChangeError):
            apply(host, Request("run-1", [*ops, {"kind": "unit", "name": "missing.service", "active": True}]))
        return
    try:
        armed = apply(host, Request("run-1", ops))["armed"]
    except ChangeError as error:
        assert "again after a later op of the list" in error.message and "All of this call was taken back" in error.message
        return
    if armed:
        if dice.random() < 0.5:
            fire(host, "run-1")
        else:
            confirm(host, Request("run-1", []))
            for op in ops:
                assert not apply(host, Request("run-1", [op], check=True))["changed"] or op["kind"] in ("value", "tuned_profile")


@pytest.mark.parametrize("seed", SEEDS)
def test_applied_and_taken_back_the_host_is_as_it_was(host, seed):
    dice = random.Random(seed)
    before = snapshot(host)
    for _call in range(dice.randint(1, 3)):
        one_call(host, dice, random_ops(dice))
    revert(host, Back("run-1"))
    found = differences(snapshot(host), before)
    if "disciplines" in found:
        found.pop("disciplines")  # compared below: an explicit one of the former kind counts
        assert kinds(host) == {"eth0": ["mq", "pfifo_fast", "pfifo_fast"], "eth1": ["pfifo_fast"]}
    assert not found


def kinds(host):
    return {name: [one["kind"] for one in found] for name, found in host.machine()["disciplines"].items()}
