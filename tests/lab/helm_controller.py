# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: plays the helm-controller of K3s and RKE2 on a lab, with the real Helm. Written from its public sources.

What it does as the real one (v0.17): a hash over everything that reaches Helm decides whether the Job
`helm-install-<chart>` is replaced; it is made suspended and then resumed; Helm takes the values of the HelmChart, then of the
HelmChartConfig of the same name, then `set`; the release is labelled with the hash, and a release whose label is another (a
manual upgrade) is upgraded again; a failed Helm run is tried again, and with failurePolicy `reinstall` (the default, which a
HelmChartConfig's word overrules) the chart is uninstalled for that. What it does not: run Helm in the Job's own pod. The pod
of the Job only ends once Helm has ended well; where Helm fails, a pod that is never scheduled tells its message.
"""
from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import threading
from pathlib import Path
from typing import Any, Optional

from front import helm
from kubernetes import client
from labkit import NAMESPACE, Lab

GROUP, VERSION = "helm.cattle.io", "v1"
HASH, CHART_LABEL = "helmcharts.helm.cattle.io/configHash", "helmcharts.helm.cattle.io/chart"
POLL = 0.2


class HelmController:
    """`with HelmController(lab, helm3, folder):` runs it in a thread of this process until the end of the block.

    `delay`: seconds before Helm is started, as the job's pod takes its time; `before_helm`: called with the values' files.
    """

    def __init__(self, lab: Lab, program: str, folder: Path, delay: float = 0.5) -> None:
        self.lab, self.program, self.folder, self.delay = lab, program, folder, delay
        self.objects, self.batch, self.core = lab.objects(), client.BatchV1Api(lab.api()), lab.core()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.retries: dict[str, int] = {}
        self.uninstalled = 0
        self.errors: list[str] = []
        self.break_helm = False  # the next Helm runs fail as by an API server that refuses a resource

    def __enter__(self) -> HelmController:
        self.thread.start()
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.stopped.set()
        self.thread.join(60)

    def _run(self) -> None:
        while not self.stopped.wait(POLL):
            try:
                for chart in self._list("helmcharts"):
                    self._reconcile(chart)
            except client.ApiException as error:
                if error.status not in (404, 409):
                    self.errors.append(str(error))
            except Exception as error:  # told at the end of the test, not lost in a thread
                self.errors.append(repr(error))

    def _list(self, plural: str) -> list[dict[str, Any]]:
        return self.objects.list_cluster_custom_object(GROUP, VERSION, plural)["items"]

    def _reconcile(self, chart: dict[str, Any]) -> None:
        name = chart["metadata"]["name"]
        config = next((one for one in self._list("helmchartconfigs") if one["metadata"]["name"] == name), {})
        files, policy = layers(chart, config)
        wanted = digest(chart, config)
        job, release = self._job(name), self._release(name)
        if job and job.spec.template.metadata.annotations[HASH] == wanted:
            if not complete(job):
                self._try(chart, job, files, policy)
                return
            if release and release["status"] == "deployed" and release["hash"] == wanted[:63]:
                return
        self._replace(chart, job, wanted, release)

    def _release(self, name: str) -> Optional[dict[str, Any]]:
        secrets = self.core.list_namespaced_secret(NAMESPACE, label_selector=f"owner=helm,name={name}").items
        found = [secret.metadata.labels for secret in secrets]
        if not found:
            return None
        newest = max(found, key=lambda labels: int(labels["version"]))
        return {"revision": int(newest["version"]), "status": newest["status"], "hash": newest.get(HASH)}

    def _job(self, name: str) -> Optional[client.V1Job]:
        try:
            job = self.batch.read_namespaced_job(f"helm-install-{name}", NAMESPACE)
        except client.ApiException as error:
            if error.status != 404:
                raise
            return None
        return None if job.metadata.deletion_timestamp else job

    def _replace(self, chart: dict[str, Any], job: Optional[client.V1Job], wanted: str, release: Optional[dict[str, Any]]) -> None:
        name = chart["metadata"]["name"]
        if job:
            self.batch.delete_namespaced_job(job.metadata.name, NAMESPACE, propagation_policy="Background")
            self._forget_pod(name)
        labels = {CHART_LABEL: name}
        environment = [client.V1EnvVar(name="EXPECTED_RELEASE_REVISION", value=str((release or {}).get("revision", 0)))]
        pod = client.V1PodSpec(restart_policy="OnFailure", containers=[
            client.V1Container(name="helm", image="rancher/klipper-helm:v0.9", env=environment)])
        template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels, annotations={HASH: wanted}), spec=pod)
        new = client.V1Job(metadata=client.V1ObjectMeta(name=f"helm-install-{name}", labels=labels),
                           spec=client.V1JobSpec(suspend=True, backoff_limit=1000, template=template))
        self.batch.create_namespaced_job(NAMESPACE, new)
        self.objects.patch_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "helmcharts", name, {
            "status": {"jobName": f"helm-install-{name}"}})

    def _try(self, chart: dict[str, Any], job: client.V1Job, files: list[str], policy: str) -> None:
        """One life of the job's pod: Helm, unless somebody else made a revision since the job was made."""
        if not job.spec.suspend or self.stopped.wait(self.delay):
            return
        name, release = chart["metadata"]["name"], self._release(chart["metadata"]["name"])
        expected = job.spec.template.spec.containers[0].env[0].value
        if expected != str((release or {}).get("revision", 0)) and not self._own(job):
            self._resume(job)
            return
        if release and release["status"] == "failed":
            if policy != "reinstall":
                self._tell(job, f"Release status is 'failed' and failure policy is '{policy}'; waiting for operator intervention")
                return
            self.uninstalled += 1
            self._helm("uninstall", name, "--wait")
            release = None
        done = self._helm(*self._arguments(chart, job, files, release is not None))
        if done.returncode:
            self._tell(job, done.stderr.strip())
        else:
            self._resume(job)

    def _own(self, job: client.V1Job) -> bool:
        """A further life of a pod whose former one made the failed revision itself."""
        return job.metadata.uid in self.retries

    def _arguments(self, chart: dict[str, Any], job: client.V1Job, files: list[str], there: bool) -> list[str]:
        name, spec = chart["metadata"]["name"], chart["spec"]
        package = self.folder / f"{name}.tgz"
        package.write_bytes(base64.b64decode(spec["chartContent"]))
        words = ["upgrade" if there else "install", name, str(package)]
        for number, text in enumerate(files):
            file = self.folder / f"values-{number}.yaml"
            file.write_text(text)
            words += ["--values", str(file)]
        for key, value in sorted((spec.get("set") or {}).items()):
            words += ["--set", f"{key}={value}"]
        if self.break_helm:
            # A service account's name that is none: the API server refuses the resource in the middle of the upgrade.
            words += ["--set", "operator.replicas=-1"]
        return [*words, "--labels", f"{HASH}={job.spec.template.metadata.annotations[HASH][:63]}"]

    def _helm(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.program, *words, "--namespace", NAMESPACE, "--kubeconfig", str(self.lab.kubeconfig)],
                              env=helm.environment(self.folder / "helm"), capture_output=True, text=True, timeout=120, check=False)

    def _resume(self, job: client.V1Job) -> None:
        self._forget_pod(job.metadata.labels[CHART_LABEL])
        self.batch.patch_namespaced_job(job.metadata.name, NAMESPACE, {"spec": {"suspend": False}})

    def _tell(self, job: client.V1Job, message: str) -> None:
        """The job's pod ended badly once more; what it said is its termination message."""
        count = self.retries[job.metadata.uid] = self.retries.get(job.metadata.uid, 0) + 1
        name = f"helm-install-{job.metadata.labels[CHART_LABEL]}-failing"
        if count == 1:
            body = client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels=job.spec.template.metadata.labels), spec=client.V1PodSpec(
                node_selector={"lab/none": "none"}, containers=[client.V1Container(name="helm", image="rancher/klipper-helm:v0.9")]))
            self.core.create_namespaced_pod(NAMESPACE, body)
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": message[-3000:]}}
        status = {"name": "helm", "image": "", "imageID": "", "ready": False, "restartCount": count - 1, "lastState": ended, "state": ended}
        self.core.patch_namespaced_pod_status(name, NAMESPACE, {"status": {"containerStatuses": [status]}})

    def _forget_pod(self, chart: str) -> None:
        try:
            self.core.delete_namespaced_pod(f"helm-install-{chart}-failing", NAMESPACE, grace_period_seconds=0)
        except client.ApiException as error:
            if error.status != 404:
                raise


def layers(chart: dict[str, Any], config: dict[str, Any]) -> tuple[list[str], str]:
    """Values' files in the order in which Helm takes them, and what is done about a failed run."""
    files, policy = [], "reinstall"
    for document in (chart, config):
        spec = document.get("spec") or {}
        files += [text for text in (spec.get("valuesContent"), json.dumps(spec["values"]) if spec.get("values") else None) if text]
        policy = spec.get("failurePolicy") or policy
    return files, policy


def digest(chart: dict[str, Any], config: dict[str, Any]) -> str:
    """The hash that tells a job for these objects from one for others."""
    reaching = [*layers(chart, config), chart["spec"].get("set"), chart["spec"].get("chartContent")]
    return hashlib.sha256(json.dumps(reaching, sort_keys=True).encode()).hexdigest().upper()


def complete(job: client.V1Job) -> bool:
    return any(one.type == "Complete" and one.status == "True" for one in job.status.conditions or [])
