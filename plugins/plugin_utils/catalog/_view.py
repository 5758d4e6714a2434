# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts as the catalogue and the flow ask for them. Built from any document, however broken, without an exception."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.node_config import OWN_LABEL, OWN_PREFIX
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.module_utils.versions import in_range, parse_version
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

OLDEST, NEWEST = "1.11", "1.20"
# Of another major version nothing is taken for known.
SAME_MAJOR = "1.999"


def within(version: str | None, since: str | None = None, until: str | None = None) -> bool:
    """Whether a known version lies in a range of the catalogue; one that is not known lies nowhere."""
    return in_range(version, since, until) is True


@dataclass(frozen=True)
class Agent:
    """One agent. `problem` says why its status is not known; then `status` is empty."""

    node: str
    version: str | None
    status: Mapping[str, Any]
    options: Mapping[str, Any]
    config_current: bool | None
    created_at: str | None
    ready: bool | None
    waiting: str | None
    problem: str | None

    def live(self, key: str) -> Any:
        """What it runs: from its status, else from its options; None where neither says."""
        value = self.status.get(key)
        return self.options.get(key) if value is None else value


@dataclass(frozen=True)
class NodeConfig:
    """A CiliumNodeConfig. `ours`: it bears our label and our kind of name. `nodes`: those that it selects at present."""

    name: str
    ours: bool
    changed_at: str | None
    node_selector: Any
    defaults: Mapping[str, str]
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Override:
    """A key that a CiliumNodeConfig sets for some nodes."""

    name: str
    key: str
    value: str
    nodes: tuple[str, ...]
    ours: bool = False


def _agent(record: Any) -> Agent:
    found = read.mapping(record) or {}
    status, error = read.mapping(found.get("status")), read.mapping(found.get("error"))
    version = read.text(found.get("version"))
    # An image pinned by digest alone has no tag; the agent then tells its own version.
    if parse_version(version) is None:
        version = read.text((status or {}).get("version"))
    return Agent(
        node=read.text(found.get("node")) or "(an agent without a node)",
        version=version if parse_version(version) else None,
        status={} if status is None or error else status,
        options=read.mapping(found.get("options")) or {},
        config_current=read.truth(found.get("config_current")),
        created_at=read.text(found.get("created_at")),
        ready=read.truth(found.get("ready")),
        waiting=read.text(found.get("waiting")),
        problem=_problem(status, found.get("error")),
    )


def _problem(status: Mapping | None, error: Any) -> str | None:
    if error:
        found = read.mapping(error) or {}
        return one_line(found.get("message") or found.get("class") or "its error is garbled", 200)
    return None if status else "its status is empty"


class View:
    """A facts document. Every property is None (or empty, for agents) where the facts do not say."""

    def __init__(self, facts: Any) -> None:
        found = read.mapping(facts) or {}
        self.facts: Mapping = found if found.get("schema") == 1 else {}

    @cached_property
    def agents(self) -> tuple[Agent, ...]:
        """Every agent, by node in natural order."""
        records = read.listing(self.facts.get("agents")) or []
        return tuple(sorted((self._aged(_agent(record)) for record in records), key=lambda agent: read.natural(agent.node)))

    def _aged(self, agent: Agent) -> Agent:
        """One that was made before a CiliumNodeConfig of ours was last changed does not run what its node has now."""
        older = agent.config_current and agent.created_at and agent.created_at <= self._last_own_change.get(agent.node, "")
        return replace(agent, config_current=False) if older else agent

    @cached_property
    def _last_own_change(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for config in self.node_configs:
            for node in config.nodes if config.ours else ():
                found[node] = max(found.get(node, ""), config.changed_at or "")
        return found

    @cached_property
    def node_configs(self) -> tuple[NodeConfig, ...]:
        """CiliumNodeConfigs; empty where they could not be read."""
        records = map(read.mapping, read.listing(self.facts.get("node_configs")) or [])
        return tuple(map(self._node_config, filter(None, records)))

    def _node_config(self, record: Mapping) -> NodeConfig:
        name, labels = one_line(record.get("name"), 80), read.mapping(record.get("labels")) or {}
        defaults = {key: str(value) for key, value in (read.mapping(record.get("defaults")) or {}).items() if read.text(key)}
        fits = read.matcher(record.get("node_selector"))
        ours = name.startswith(OWN_PREFIX) and labels.get(OWN_LABEL[0]) == OWN_LABEL[1]
        return NodeConfig(
            name, ours, read.text(record.get("changed_at")),
            record.get("node_selector"), defaults,
            tuple(node["name"] for node in self.nodes or () if fits(read.mapping(node.get("labels")) or {})))

    @property
    def node_config_api(self) -> str | None:
        """The version of the API that serves CiliumNodeConfigs, where they were read."""
        known = read.listing(self.facts.get("node_configs")) is not None
        return read.text(self.facts.get("node_config_api")) if known else None

    def apart(self, nodes: Iterable[str], overlay: Mapping[str, str] | None = None) -> View:
        """The same cluster with these nodes and their agents alone, and with `overlay` over cilium-config."""
        names, part = frozenset(nodes), View(self.facts)
        own = None if self.config is None else {**self.config, **(overlay or {})}
        part.__dict__.update(
            agents=tuple(agent for agent in self.agents if agent.node in names),
            nodes=None if self.nodes is None else tuple(node for node in self.nodes if node["name"] in names),
            node_configs=self.node_configs, config=own, live_edits=self.live_edits, chart=self.chart, newer=self.newer)
        return part

    @cached_property
    def read_agents(self) -> tuple[Agent, ...]:
        """The agents whose status was read."""
        return tuple(agent for agent in self.agents if agent.problem is None)

    @cached_property
    def config(self) -> dict[str, str] | None:
        """The live ConfigMap's data."""
        return read.strings((read.mapping(self.facts.get("config")) or {}).get("data"))

    @cached_property
    def manifest(self) -> dict[str, str] | None:
        """The ConfigMap's data in the release's stored manifest."""
        return read.strings(self.facts.get("manifest_config"))

    @cached_property
    def release(self) -> Mapping | None:
        """The Helm release."""
        return read.mapping(self.facts.get("release")) if self.facts.get("release_found") is True else None

    @cached_property
    def values(self) -> Mapping | None:
        """The release's user values; empty where nobody set any. Argo CD renders the chart itself and makes no release:
        then those of its Application."""
        if self.release:
            return read.mapping(self.release.get("values"))
        return self._application_values() if self.has_no_release else None

    def _application_values(self) -> Mapping | None:
        owner = read.mapping(self.facts.get("owner")) or {}
        if owner.get("kind") != "argocd":
            return None
        sources = map(read.mapping, read.listing((read.mapping(owner.get("resource")) or {}).get("sources")) or [])
        rendered = [source for source in sources if source and source.get("kind") == "helm"]
        # Values from elsewhere, which cannot be read here, would make what is missing seem to be wanted.
        whole = len(rendered) == 1 and not rendered[0].get("parameters") and not rendered[0].get("value_files")
        return read.mapping(rendered[0].get("values")) if whole else None

    @property
    def has_no_release(self) -> bool:
        """True when it is certain that no Helm release installed Cilium."""
        return self.facts.get("release_found") is False

    @cached_property
    def oldest_agent(self) -> str | None:
        """The lowest version among the agents, None when one of them is not known."""
        versions = [agent.version for agent in self.agents if agent.version]
        if not versions or len(versions) < len(self.agents):
            return None
        return min(versions, key=lambda version: parse_version(version) or ())

    @cached_property
    def chart(self) -> str | None:
        """The version that decides names of keys: the chart's; without a release, that of the oldest agent."""
        if self.has_no_release:
            return self.oldest_agent
        version = read.text(self.release.get("chart_version")) if self.release else None
        return version if parse_version(version) else None

    @cached_property
    def newer(self) -> str | None:
        """The version of an agent or the chart that is newer than what the catalogue knows of."""
        versions = [agent.version for agent in self.agents] + [self.chart]
        beyond = [version for version in versions if within(version, OLDEST, SAME_MAJOR) and not within(version, None, NEWEST)]
        return max(beyond, key=lambda version: parse_version(version) or (), default=None)

    @cached_property
    def nodes(self) -> tuple[Mapping, ...] | None:
        """The node records that have a name."""
        records = read.listing(self.facts.get("nodes"))
        if records is None:
            return None
        return tuple(record for record in records if read.mapping(record) and read.text(record.get("name")))

    @cached_property
    def hosts(self) -> tuple[Mapping, ...]:
        """The hosts of the inventory; empty where there is none."""
        return tuple(filter(None, map(read.mapping, read.listing(self.facts.get("hosts")) or ())))

    @cached_property
    def _host_of(self) -> dict[str, Mapping]:
        return {str(entry["node"]): entry for entry in reversed(self.hosts) if read.text(entry.get("node"))}

    def host(self, node: str) -> Mapping | None:
        """The facts of a node's host (docs/design.md, Facts of a host)."""
        found = read.mapping((self._host_of.get(node) or {}).get("facts"))
        return found if found and found.get("schema") == 1 else None

    def host_name(self, node: str) -> str | None:
        """The inventory's name of a node's host."""
        return read.text((self._host_of.get(node) or {}).get("host"))

    @cached_property
    def daemonset(self) -> Mapping | None:
        """The agents' DaemonSet."""
        return read.mapping(self.facts.get("daemonset"))

    @cached_property
    def kube_proxy(self) -> Mapping | None:
        """Who serves Services besides Cilium."""
        return read.mapping(self.facts.get("kube_proxy"))

    @cached_property
    def kube_proxy_runs(self) -> bool | None:
        """Whether kube-proxy runs on some node."""
        found = self.kube_proxy or {}
        kind, desired = found.get("kind"), read.number(found.get("desired"))
        if kind in ("none", "k3s", "static_pod"):
            return kind != "none"
        if kind != "daemonset" or desired is None:
            return None
        return desired > 0 or read.listing(found.get("nodes")) != []

    @cached_property
    def live_edits(self) -> tuple[str, ...]:
        """Keys of cilium-config that differ from the release's stored manifest."""
        if self.config is None or self.manifest is None:
            return ()
        keys = sorted(self.config.keys() | self.manifest.keys())
        return tuple(key for key in keys if self.config.get(key) != self.manifest.get(key))

    def config_value(self, key: str, absent: Mapping[str, Any]) -> str | None:
        """A key of the live ConfigMap, with what Cilium takes where it was read and the key is missing."""
        return None if self.config is None else self.config.get(key, absent.get(key))

    def all_agents(self, since: str) -> bool:
        """Whether every agent is of this version or later."""
        return bool(self.agents) and all(within(agent.version, since) for agent in self.agents)

    def agents_within(self, since: str | None, until: str | None = None) -> tuple[str, ...]:
        """Nodes whose agent's version lies in this range."""
        return tuple(agent.node for agent in self.agents if within(agent.version, since, until))

    def running(self, key: str, *values: Any) -> tuple[str, ...]:
        """Nodes whose running agent shows one of these values."""
        return tuple(agent.node for agent in self.read_agents if agent.live(key) in values)

    def overrides(self, keys: Iterable[str]) -> list[Override]:
        """CiliumNodeConfigs that set one of these keys."""
        wanted = set(keys)
        return [Override(config.name, key, config.defaults[key], config.nodes, config.ours)
                for config in self.node_configs for key in sorted(wanted & config.defaults.keys())]

    def why_unread(self, what: str) -> str:
        """The recorded reason why a source could not be read, as an ending of a sentence."""
        for entry in map(read.mapping, read.listing(self.facts.get("unread")) or []):
            if entry and str(entry.get("what", "")).partition("/")[0] == what:
                return f" ({one_line(entry.get('class'), 20)}: {one_line(entry.get('reason'), 200)})"
        return ""
