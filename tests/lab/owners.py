# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: owners of Cilium's release on a lab."""
from __future__ import annotations

import base64
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import yaml
from front.api import Api
from helm_controller import GROUP, HASH, VERSION, HelmController, digest
from kubernetes import client
from labkit import NAMESPACE, Lab, wait

MANIFESTS = Path(__file__).resolve().parent / "manifests"


def serve(lab: Lab, manifest: str) -> None:
    """Puts definitions into the API and waits until it serves them."""
    definitions = client.ApiextensionsV1Api(lab.api())
    items = yaml.safe_load((MANIFESTS / manifest).read_text())["items"]
    for item in items:
        definitions.create_custom_resource_definition(item)
    for item in items:
        wait(lambda: established(definitions, item["metadata"]["name"]))


def established(definitions: client.ApiextensionsV1Api, name: str) -> bool:
    conditions = definitions.read_custom_resource_definition(name).status.conditions or []
    return any(one.type == "Established" and one.status == "True" for one in conditions)


def call(lab: Lab, method: str, path: str, content_type: str, body: Any) -> Any:
    """A request to the API as it stands; the answer's document."""
    api = Api(lab.state)
    request = urllib.request.Request(api.server + path, None if body is None else json.dumps(body).encode(), method=method, headers={
        "Authorization": f"Bearer {api.token}", "Content-Type": content_type, "Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=30, context=api.tls) as answer:
        return json.load(answer)


def server_side_apply(lab: Lab, document: dict[str, Any]) -> None:
    """kubectl apply --server-side --force-conflicts."""
    metadata = document["metadata"]
    path = f"/apis/{document['apiVersion']}/namespaces/{metadata['namespace']}/{document['kind'].lower()}s/{metadata['name']}"
    call(lab, "PATCH", path + "?fieldManager=kubectl&force=true", "application/apply-patch+yaml", document)


@contextmanager
def marked_daemonset(lab: Lab, part: str, marks: dict[str, str]) -> Iterator[None]:
    """The agents' DaemonSet with labels or annotations of somebody who manages it."""
    def mark(values: dict[str, Optional[str]]) -> None:
        lab.apps().patch_namespaced_daemon_set("cilium", NAMESPACE, {"metadata": {part: values}})
    mark(marks)
    try:
        yield
    finally:
        mark(dict.fromkeys(marks))


class Rancher:
    """K3s or RKE2 on a lab: the release belongs to a HelmChart, whose controller runs in this process."""

    def __init__(self, lab: Lab, program: str, folder: Path, name: str = "cilium") -> None:
        self.lab, self.name, self.program, self.folder = lab, name, program, folder
        folder.mkdir(exist_ok=True)
        serve(lab, "crd-helmcharts.yaml")
        self.controller = HelmController(lab, program, folder)

    def take_over(self) -> None:
        """The HelmChart with the values of now; returns when Helm has run for it."""
        values = json.loads(self.lab.helm("get", "values", "cilium", "--output", "json")) or {}
        if self.name != "cilium":
            self.lab.helm("uninstall", "cilium", "--wait")
        done = subprocess.run([self.program, "package", self.lab.status()["chart"], "--destination", str(self.folder)], check=True,
                              capture_output=True, text=True)
        package = Path(done.stdout.split(":", 1)[1].strip())
        spec = {"chartContent": base64.b64encode(package.read_bytes()).decode(), "bootstrap": True, "targetNamespace": NAMESPACE,
                "valuesContent": yaml.safe_dump(values)}
        self.lab.objects().create_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "helmcharts", self.document("HelmChart", spec))
        self.settled()

    def document(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": self.name, "namespace": NAMESPACE}, "spec": spec}

    def configure(self, content: str) -> None:
        """A HelmChartConfig of the user's own, in the place of any other."""
        where = (GROUP, VERSION, NAMESPACE, "helmchartconfigs")
        if self.config() is not None:
            self.lab.objects().delete_namespaced_custom_object(*where, self.name)
        self.lab.objects().create_namespaced_custom_object(*where, self.document("HelmChartConfig", {"valuesContent": content}))
        self.settled()

    def settled(self) -> None:
        """Waits until Helm has run for what the objects say now."""
        wait(self.quiet, 120)

    def quiet(self) -> bool:
        job = self.controller._job(self.name)  # pylint: disable=protected-access
        chart = self.lab.objects().get_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "helmcharts", self.name)
        wanted = digest(chart, self.config() or {})
        return bool(job and job.status.succeeded and job.spec.template.metadata.annotations[HASH] == wanted
                    and self.label() == wanted[:63])

    def label(self) -> Optional[str]:
        release = self.controller._release(self.name)  # pylint: disable=protected-access
        return release["hash"] if release and release["status"] == "deployed" else None

    def config(self) -> Optional[dict[str, Any]]:
        """The HelmChartConfig's spec and annotations; None where there is none."""
        try:
            found = self.lab.objects().get_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "helmchartconfigs", self.name)
        except client.ApiException as error:
            assert error.status == 404
            return None
        return {"spec": found["spec"], "annotations": found["metadata"].get("annotations")}
