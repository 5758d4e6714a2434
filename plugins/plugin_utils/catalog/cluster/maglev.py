# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Maglev: every node picks the same backend for a connection, by a consistent hash of its addresses and ports.

Why: connections survive when the fabric sends them to another node, or a node fails: DSR and XDP in front of many nodes
gain most. It makes nothing faster by itself, so no profile brings it in.
Cost: agents restart. Each Service takes memory for its table (4 bytes an entry, for each address family), and programming
it takes CPU with every change of its backends. A table should have a hundred times as many entries as a Service has
backends.
Undo: the former algorithm and table size; established connections stay where the node knows them.
Refuse when: the table size is none of the ten primes; the hash seed is not 12 bytes in base64, or a CiliumNodeConfig gives
some nodes another seed or size: all must share them. The seed that is there is kept and never made here: a new one on some
agents only would send connections to different backends.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#maglev-consistent-hashing
"""
from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, Number, Opt, Options, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

PRIMES = (251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071)
SEED, SIZE, SEED_BYTES = "bpf-lb-maglev-hash-seed", "bpf-lb-maglev-table-size", 12
ABSENT = {"loadBalancer.algorithm": "random", "bpf-lb-algorithm": "random", "maglev.tableSize": 16381, SIZE: "16381"}


def _is_seed(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == SEED_BYTES
    except (binascii.Error, ValueError):
        return False


def _size(options: Options) -> Iterator[Finding]:
    size = options["table_size"]
    if size is not None and size not in PRIMES:
        yield Finding(State.BLOCKED, f"Agents exit on a Maglev table of {size} entries.",
                      f"Take one of {', '.join(map(str, PRIMES))}.")


def _seed(view: View) -> Iterator[Finding]:
    seed = view.config_value(SEED, {})
    if seed not in (None, HIDDEN) and not _is_seed(seed):
        yield Finding(
            State.BLOCKED,
            f"Agents exit on the hash seed of cilium-config ({SEED}), which is not {SEED_BYTES} bytes in base64.",
            "Correct maglev.hashSeed (head -c12 /dev/urandom | base64 -w0), then run again.")


def _apart(view: View) -> Iterator[Finding]:
    for override in view.overrides((SEED, SIZE)):
        if override.value != view.config_value(override.key, ABSENT):
            where = name_nodes(override.nodes) or "no node at present"
            yield Finding(
                State.BLOCKED, f"CiliumNodeConfig {override.name} gives {where} another {override.key}: nodes would send "
                "one connection to different backends.",
                f"Remove {override.key} from CiliumNodeConfig {override.name}, then run again.", override.nodes)


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents exit on, and what would take the one thing away that Maglev is for."""
    yield from _size(options)
    yield from _seed(view)
    yield from _apart(view)


def notes(view: View, options: Options) -> Iterator[str]:
    """The seed that everybody knows, and memory."""
    if view.config is not None and SEED not in view.config:
        yield ("The hash seed is the one built into Cilium: the same on all agents, and known to everybody who would fill "
               "one backend on purpose. One of your own is set once for the whole cluster (maglev.hashSeed).")
    size = options["table_size"] or 16381
    yield f"With {size} entries, each Service takes about {size * 4 // 1024} KiB on every node for each address family."


TUNING = Tuning(
    id="maglev",
    title="Maglev backend selection",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.AGENT_RESTART,
    reason="New connections are spread by hash instead of at random; established ones go on, as each node knows its own.",
    undo="Put loadBalancer.algorithm and the table size back and restart the agents; established connections go on.",
    needs=(Need("kube_proxy_replacement"),),
    options=(Number("table_size", PRIMES[0], PRIMES[-1]),),
    absent=ABSENT,
    stages=(Stage(
        "maglev",
        wants=(Want({"loadBalancer.algorithm": "maglev", "maglev.tableSize": Opt("table_size")},
                    {"bpf-lb-algorithm": "maglev", SIZE: Text("table_size")}),),
        live=(Live("lb_algorithm", "maglev", config=("bpf-lb-algorithm",)),),
    ),),
)
