# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Maglev: backends are chosen by consistent hashing, so that every node picks the same one for a connection.

Why: when a node that took a connection is lost, another one that gets its packets sends them to the same backend; the load
is spread more evenly, and the set of backends may change with few connections moved.
Cost: agents restart, and a table for each Service: table_size times 4 bytes, at every node. Connections that a node has
an entry for keep their backend; those that reach another node later may change it once.
Undo: loadBalancer.algorithm and maglev.tableSize as they were, and restarted agents.
Refuse when: kube-proxy replacement is not full; a hash seed that is not 12 bytes in base64, on which agents exit. The seed is
kept as it is: it has to be the same on all nodes, also of clusters that share addresses.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#maglev-consistent-hashing
"""
from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, Options, Option, Opt, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY, VALUE = "bpf-lb-algorithm", "loadBalancer.algorithm"
SIZE_KEY, SIZE_VALUE = "bpf-lb-maglev-table-size", "maglev.tableSize"
SEED_KEY, SEED_BYTES = "bpf-lb-maglev-hash-seed", 12
# The primes that agents take.
SIZES = (251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071)


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """A seed that agents exit on, as soon as the algorithm asks for it."""
    seed = view.config_value(SEED_KEY, {})
    if seed and not _is_seed(seed):
        yield Finding(State.BLOCKED, f"cilium-config has a {SEED_KEY} that is not {SEED_BYTES} bytes in base64, on which agents "
                      "exit.", "Set the Helm value maglev.hashSeed to what `head -c12 /dev/urandom | base64` prints, once for "
                      "all nodes.")


def _is_seed(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == SEED_BYTES
    except (binascii.Error, ValueError):
        return False


def notes(view: View, options: Options) -> Iterator[str]:
    """What the size of a table means."""
    yield (f"A table of {options['table_size']} is right for up to {options['table_size'] // 100} backends of one Service; it "
           f"takes {options['table_size'] * 4 / 1024:.0f} KiB for each Service on every node.")


TUNING = Tuning(
    id="maglev",
    title="Maglev consistent hashing",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and choose backends of new connections by consistent hashing.",
    undo="Put loadBalancer.algorithm and maglev.tableSize back and restart the agents.",
    needs=(Need("kube_proxy_replacement"),),
    options=(Option("table_size", SIZES, 16381),),
    absent={VALUE: "random", KEY: "random", SIZE_VALUE: 16381, SIZE_KEY: "16381"},
    profiles={"max": {}},
    stages=(
        Stage("hashing",
              wants=(Want({VALUE: "maglev", SIZE_VALUE: Opt("table_size")}, {KEY: "maglev", SIZE_KEY: Text("table_size")}),),
              live=(Live("lb_algorithm", "maglev", config=(KEY,)),)),
    ),
)
