# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The job in which helm-controller runs Helm, and whether it has brought what we wrote into the release.

A change of a HelmChart or HelmChartConfig replaces the job (another uid). Whether it was for what we wrote is told by its
fruit: a newer revision, deployed, with exactly the values that were to be.
"""
from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import chart_config, helm_values
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Failed, KubeError, NotFound, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import redacted
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import is_broken, status_of
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

POLL = 1.0
# A container of the job may fail for a moment's reason; Helm's own failure shows at once in the release.
FAILURES = 3


class JobFailed(Failed):
    """Helm did not do what the owner was asked for."""


class HelmJob:
    """The job of one HelmChart."""

    def __init__(self, cluster: Cluster, namespace: str, chart: str, timeout: float) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.chart = chart
        self.timeout = timeout

    def read(self) -> Optional[dict]:
        """The job as it is; None where there is none."""
        try:
            status = self.cluster.get(chart_config.path("helmcharts", self.namespace, self.chart)).get("status") or {}
            name = status.get("jobName") or "helm-install-" + self.chart
            return self.cluster.get("/apis/batch/v1/namespaces/{0}/jobs/{1}".format(self.namespace, name))
        except NotFound:
            return None

    def uid(self) -> Optional[str]:
        """What tells this job from the one that replaces it."""
        return uid_of(self.read())

    def wait(self, release: Callable[[], Optional[dict]], values: dict, former_uid: Optional[str],
             former_revision: int) -> dict:
        """The release once a job other than `former_uid` is complete and the release has exactly these values.

        `release`: reads the newest revision. Raises JobFailed, Timeout, KubeError.
        """
        deadline = time.monotonic() + self.timeout
        while True:
            found, job = release(), self.read()
            newer = found is not None and found["version"] > former_revision
            if newer and is_broken(found) and status_of(found) == "failed":
                raise JobFailed(self.words("Helm failed in revision {0}".format(found["version"]), job))
            if newer and self.is_done(job, former_uid) and status_of(found) == "deployed":
                if helm_values.same(found["config"], values):
                    return found
            self.check(job, former_uid)
            if time.monotonic() >= deadline:
                raise Timeout(self.words("The owner did not bring the values into the release within {0:g} s".format(
                    self.timeout), job))
            time.sleep(POLL)

    def is_done(self, job: Optional[dict], former_uid: Optional[str]) -> bool:
        """Whether a job made after ours was written has ended well."""
        return uid_of(job) not in (None, former_uid) and condition(job, "Complete")

    def check(self, job: Optional[dict], former_uid: Optional[str]) -> None:
        """Raises JobFailed where the new job cannot end well any more."""
        if uid_of(job) in (None, former_uid):
            return
        if condition(job, "Failed") or max([0] + [failures(pod) for pod in self.pods()]) >= FAILURES:
            raise JobFailed(self.words("The job that runs Helm failed", job))

    def pods(self) -> List[dict]:
        """Pods of the job; none where they may not be seen."""
        try:
            return self.cluster.list("/api/v1/namespaces/{0}/pods".format(self.namespace),
                                     label_selector="helmcharts.helm.cattle.io/chart=" + self.chart)
        except KubeError:
            return []

    def words(self, what: str, job: Optional[dict]) -> str:
        """One sentence with the last thing that Helm said, and where to look."""
        name = ((job or {}).get("metadata") or {}).get("name") or "helm-install-" + self.chart
        said = next((text for text in map(last_message, self.pods()) if text), "")
        return "{0}{1}: look at kubectl -n {2} logs job/{3}.".format(
            what, " (job {0}: {1})".format(name, said) if said else "", self.namespace, name)


def uid_of(job: Optional[dict]) -> Optional[str]:
    return ((job or {}).get("metadata") or {}).get("uid")


def condition(job: Optional[dict], name: str) -> bool:
    """Whether this condition of a job is true."""
    found = ((job or {}).get("status") or {}).get("conditions") or []
    return any(entry.get("type") == name and entry.get("status") == "True" for entry in found)


def statuses(pod: dict) -> List[Dict[str, Any]]:
    return (pod.get("status") or {}).get("containerStatuses") or []


def failures(pod: dict) -> int:
    """How often a container of this pod ended badly."""
    return sum(int(status.get("restartCount") or 0) for status in statuses(pod))


def last_message(pod: dict) -> str:
    """What a container of this pod said when it ended."""
    for status in statuses(pod):
        for state in ("state", "lastState"):
            message = ((status.get(state) or {}).get("terminated") or {}).get("message")
            if message:
                return one_line(redacted(str(message).strip()), 300)
    return ""
