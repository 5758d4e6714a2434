# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: what every refused, failed or undone run owes its user, and ways to bring a lab into trouble and out of it."""
from __future__ import annotations

import base64
import gzip
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import yaml
from kubernetes import client
from labkit import NAMESPACE, Lab, wait
from plays import Bastion, Play, snapshot

FATAL = re.compile(r"^fatal: \[localhost\]: FAILED! => \n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
# A Helm value that looks like a secret by its name; it must never be seen outside of the cluster.
SECRET_VALUE = "correct-horse-battery-staple"
SECRET_SETTING = f"etcd.password={SECRET_VALUE}"


def fatal_messages(play: Play) -> list[str]:
    """The message of every failed task, in order."""
    return [str(yaml.safe_load(block)["msg"]) for block in FATAL.findall(play.out)]


def secrets_of(lab: Lab) -> list[str]:
    """Every token of the lab, and the secret among its Helm values."""
    kubeconfigs = [yaml.safe_load(path.read_text()) for path in lab.kubeconfig.parent.glob("kubeconfig*")]
    tokens = [user["user"]["token"] for document in kubeconfigs for user in document["users"] if "token" in user["user"]]
    assert tokens, "the lab's kubeconfigs have no token to look for"
    return [*tokens, SECRET_VALUE]


def check_clean(lab: Lab, play: Play) -> None:
    """No traceback, no secret, no control character; records are the user's alone."""
    seen = {"output": play.out}
    for file in play.folder.iterdir() if play.folder else ():
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} can be read by others"
        seen[file.name] = file.read_text()
    for where, text in seen.items():
        assert "Traceback" not in text, f"a traceback in {where}:\n{text}"
        for secret in secrets_of(lab):
            assert secret not in text, f"a secret in {where}"
    for where in {"output", "report.txt"} & seen.keys():
        found = CONTROL.search(seen[where])
        assert not found, f"a control character in {where}: {seen[where][max(0, found.start() - 200):found.end() + 50]!r}"


def check_refused(lab: Lab, play: Play, *words: str, outcome: Optional[str] = "failed") -> str:
    """The run ended as a failure that says one thing in one line; returns the sentence."""
    assert play.code != 0, play.out
    check_clean(lab, play)
    messages = fatal_messages(play)
    assert messages, play.out
    sentence = messages[-1]
    assert "\n" not in sentence and sentence.rstrip().endswith((".", "?", "]", "}")), sentence
    assert all(message in sentence or sentence in message for message in messages), f"more than one thing is said: {messages}"
    for word in words:
        assert word in sentence, sentence
    if outcome is None:
        assert play.result is None
        return sentence
    assert play.result is not None, "there is no result.json"
    assert play.result["outcome"] == outcome, play.result
    assert play.result["message"] in sentence, play.result
    return sentence


@contextmanager
def nothing_changes(lab: Lab) -> Iterator[None]:
    """Release, cilium-config, agents, DaemonSet and lock are afterwards as they were."""
    before = snapshot(lab)
    yield
    assert snapshot(lab) == before, "something was changed"


class Outside(Bastion):
    """A bastion whose environment has no way to a cluster or a helm by itself."""

    def __init__(self, folder: Path, kubeconfig: Path, helm: Optional[str], **environment: str) -> None:
        super().__init__(folder, kubeconfig, helm)
        self.extra = environment

    def environment(self) -> dict[str, str]:
        found = {key: value for key, value in super().environment().items() if key not in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG")}
        return {**found, "HOME": str(self.folder), **self.extra}


def path_without(program: str) -> Optional[str]:
    """PATH without the folders that have this program; None where no shell would be left."""
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / program).exists()]
    return os.pathsep.join(folders) if any((Path(folder) / "sh").exists() for folder in folders) else None


def kubeconfig_with_server(lab: Lab, target: Path, server: str) -> Path:
    """The lab's kubeconfig with another server."""
    document = yaml.safe_load(lab.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = server
    target.write_text(yaml.safe_dump(document))
    return target


# Releases


def release_secrets(lab: Lab) -> list[client.V1Secret]:
    found = lab.core().list_namespaced_secret(NAMESPACE, label_selector="owner=helm,name=cilium").items
    return sorted(found, key=lambda secret: int(secret.metadata.labels["version"]))


@contextmanager
def no_release(lab: Lab) -> Iterator[None]:
    """As after `helm template | kubectl apply`: everything is there but Helm's own record."""
    core, kept = lab.core(), release_secrets(lab)
    for secret in kept:
        core.delete_namespaced_secret(secret.metadata.name, NAMESPACE)
    try:
        yield
    finally:
        for secret in kept:
            core.create_namespaced_secret(NAMESPACE, _fresh(secret))


def _fresh(secret: client.V1Secret) -> client.V1Secret:
    metadata = client.V1ObjectMeta(name=secret.metadata.name, labels=secret.metadata.labels)
    return client.V1Secret(metadata=metadata, type=secret.type, data=secret.data)


@contextmanager
def pending_upgrade(lab: Lab, description: str = "Preparing upgrade") -> Iterator[int]:
    """As after a helm that was killed before it changed anything; its revision."""
    last = release_secrets(lab)[-1]
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(last.data["release"]))))
    release["version"] += 1
    release["info"].update(status="pending-upgrade", description=description)
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    name = f"sh.helm.release.v1.cilium.v{release['version']}"
    labels = {**last.metadata.labels, "version": str(release["version"]), "status": "pending-upgrade"}
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name=name, labels=labels), type=last.type, data={"release": packed})
    lab.core().create_namespaced_secret(NAMESPACE, secret)
    try:
        yield release["version"]
    finally:
        lab.core().delete_namespaced_secret(name, NAMESPACE)


@contextmanager
def edited_config(lab: Lab, **data: Optional[str]) -> Iterator[None]:
    """cilium-config edited by hand (underscores stand for dashes), put back afterwards."""
    wanted = {key.replace("_", "-"): value for key, value in data.items()}
    former = lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data
    lab.set_config(wanted)
    try:
        yield
    finally:
        lab.set_config({key: former.get(key) for key in wanted})


# Owners and rights


@contextmanager
def owned_by_helm_chart(lab: Lab) -> Iterator[None]:
    """As on K3s and RKE2: a HelmChart object that their controller keeps the release to."""
    group, plural = "helm.cattle.io", "helmcharts"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "singular": "helmchart", "kind": "HelmChart"},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}]}}
    definitions, objects = client.ApiextensionsV1Api(lab.api()), lab.objects()
    definitions.create_custom_resource_definition(definition)
    chart = {"apiVersion": f"{group}/v1", "kind": "HelmChart", "metadata": {"name": "cilium", "namespace": NAMESPACE},
             "spec": {"chart": "https://charts.example/rke2-cilium.tgz"}}

    def created() -> bool:
        try:
            return bool(objects.create_namespaced_custom_object(group, "v1", NAMESPACE, plural, chart))
        except client.ApiException:
            return False  # the API server has not taken the definition up yet
    wait(created)
    try:
        yield
    finally:
        definitions.delete_custom_resource_definition(f"{plural}.{group}")
        wait(lambda: not [one for one in definitions.list_custom_resource_definition().items
                          if one.spec.group == group])


@contextmanager
def marked_daemonset(lab: Lab, part: str, key: str, value: str) -> Iterator[None]:
    """The agents' DaemonSet with a label or annotation of somebody who manages it."""
    def mark(text: Optional[str]) -> None:
        lab.apps().patch_namespaced_daemon_set("cilium", NAMESPACE, {"metadata": {part: {key: text}}})
    mark(value)
    try:
        yield
    finally:
        mark(None)


@contextmanager
def auditor_without(lab: Lab, resource: str) -> Iterator[None]:
    """The auditor's account with one right less in Cilium's namespace."""
    rights = client.RbacAuthorizationV1Api(lab.api())
    former = rights.read_namespaced_role("auditor", NAMESPACE).rules
    less = [client.V1PolicyRule(api_groups=rule.api_groups, verbs=rule.verbs,
                                resources=[name for name in rule.resources if name != resource]) for rule in former]
    rules = [rule for rule in less if rule.resources]
    assert rules != former
    rights.patch_namespaced_role("auditor", NAMESPACE, {"rules": rules})
    try:
        yield
    finally:
        rights.patch_namespaced_role("auditor", NAMESPACE, {"rules": former})


def verdicts(play: Play) -> dict[str, str]:
    """State of each tuning."""
    return {entry["id"]: entry["state"] for entry in play.result["tunings"]}


def auditor(lab: Lab) -> Path:
    return lab.kubeconfig.with_name("kubeconfig-auditor")


def unread(play: Play) -> dict[str, str]:
    """Class of error by what could not be read."""
    return {entry["what"]: entry["class"] for entry in play.document("facts")["unread"]}


def helm_value(lab: Lab, *path: str) -> Any:
    """A value that the release's user set; None where it is not set."""
    found = json.loads(lab.helm("get", "values", "cilium", "--output", "json")) or {}
    for key in path:
        found = (found or {}).get(key)
    return found
