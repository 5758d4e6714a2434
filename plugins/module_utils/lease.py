# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The run's lock: a Lease in the cluster that says which run may change Cilium.

Only its holder releases or renews it. A lock of another run is never taken silently, expired or not: a killed run may
have left a half-done change, so that its id has to be spelled out.
"""
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Conflict, KubeError, NotFound, Unauthorized)
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

LEASE = "fastpath-cilium"
WHO, HOST = "fastpath.cilium/who", "fastpath.cilium/host"
MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Claim(NamedTuple):
    """Who wants the lock: run id, for how long (seconds), and for the reader who and where."""

    run_id: str
    ttl: int = 3600
    takeover: Optional[str] = None
    who: str = ""
    host: str = ""


def hold(cluster: Cluster, namespace: str, claim: Claim, check_mode: bool = False) -> Dict[str, Any]:
    """Take or renew the lock: {changed, renewed, lock: {..}}. Raises Conflict where it is another run's."""
    lease = read(cluster, namespace)
    holder = holder_of(lease)
    if holder not in (None, claim.run_id) and holder != claim.takeover:
        raise Conflict(refusal(lease, holder, claim.takeover))
    wanted = claimed(lease, namespace, claim, datetime.now(timezone.utc))
    if not check_mode:
        wanted = write(cluster, namespace, lease, wanted)
    return {"changed": holder != claim.run_id, "renewed": holder == claim.run_id, "lock": describe(wanted)}


def release(cluster: Cluster, namespace: str, claim: Claim, check_mode: bool = False) -> Dict[str, Any]:
    """Give the lock back: {changed, renewed, lock}. Raises Conflict where it is another run's."""
    lease = read(cluster, namespace)
    holder = holder_of(lease)
    if holder is None:
        return {"changed": False, "renewed": False, "lock": describe(lease)}
    if holder != claim.run_id:
        raise Conflict(refusal(lease, holder, None))
    lease["spec"].update(holderIdentity=None, renewTime=stamp(datetime.now(timezone.utc)))
    if not check_mode:
        lease = write(cluster, namespace, lease, lease)
    return {"changed": True, "renewed": False, "lock": describe(lease)}


def leases(namespace: str) -> str:
    """Path of the namespace's leases."""
    return "/apis/coordination.k8s.io/v1/namespaces/{0}/leases".format(namespace)


def read(cluster: Cluster, namespace: str) -> Optional[dict]:
    """The Lease; None where there is none. A lock that cannot be read is taken by nobody."""
    try:
        lease = cluster.get("{0}/{1}".format(leases(namespace), LEASE))
    except NotFound:
        return None
    except Unauthorized:
        raise
    except KubeError as error:
        raise type(error)("The lock (Lease {0}/{1}) cannot be read, so nothing is changed: {2}".format(
            namespace, LEASE, error.message), error.status) from None
    if not isinstance(lease.get("spec") or {}, dict) or not isinstance(lease.get("metadata"), dict):
        raise Conflict("The lock (Lease {0}/{1}) is not readable as a Lease: look at it, and delete it if no run "
                       "goes on.".format(namespace, LEASE))
    lease["spec"] = lease.get("spec") or {}
    return lease


def write(cluster: Cluster, namespace: str, former: Optional[dict], wanted: dict) -> dict:
    """Store the Lease; the former's resourceVersion, or its absence, guards against another run doing the same."""
    try:
        if former is None:
            return cluster.post(leases(namespace), wanted)
        return cluster.put("{0}/{1}".format(leases(namespace), LEASE), wanted)
    except Conflict:
        raise Conflict("Another run took or changed the lock (Lease {0}/{1}) at the same moment: look who holds it, "
                       "then start again.".format(namespace, LEASE)) from None


def claimed(former: Optional[dict], namespace: str, claim: Claim, now: datetime) -> dict:
    """The Lease as this run's."""
    metadata: Dict[str, Any] = dict((former or {}).get("metadata") or {"name": LEASE, "namespace": namespace})
    metadata["annotations"] = dict(metadata.get("annotations") or {}, **{
        WHO: one_line(claim.who, 200), HOST: one_line(claim.host, 200)})
    spec = dict((former or {}).get("spec") or {})
    if spec.get("holderIdentity") != claim.run_id:
        spec.update(acquireTime=stamp(now), leaseTransitions=int(spec.get("leaseTransitions") or 0) + 1)
    spec.update(holderIdentity=claim.run_id, leaseDurationSeconds=claim.ttl, renewTime=stamp(now))
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def holder_of(lease: Optional[dict]) -> Optional[str]:
    """Run id of the holder; None when the lock is free."""
    return (lease or {}).get("spec", {}).get("holderIdentity") or None


def refusal(lease: dict, holder: str, takeover: Optional[str]) -> str:
    """Who holds the lock, whether still, and how to take it over."""
    told = describe(lease)
    where = "".join(", {0} {1}".format(word, told[key]) for word, key in (("by", "who"), ("on", "host")) if told[key])
    wrong = " The takeover names {0}, which is not that run.".format(one_line(takeover, 80)) if takeover else ""
    return ("Run {0} holds the lock{1} ({2}).{3} Let it end; if you know that it is dead, take back what it left with "
            "rollback.yml and fastpath_run_id={0}, or go on with fastpath_takeover={0}.".format(
                one_line(holder, 80), where, until(told["expires_at"]), wrong))


def until(expires_at: Optional[str]) -> str:
    """Validity in words."""
    if expires_at is None:
        return "until when cannot be told"
    expired = expires_at < stamp(datetime.now(timezone.utc))
    return "{0} {1}".format("expired at" if expired else "valid until", expires_at)


def describe(lease: Optional[dict]) -> Dict[str, Optional[str]]:
    """{holder, who, host, acquired_at, renewed_at, expires_at}, all null when there is no Lease."""
    spec = (lease or {}).get("spec") or {}
    annotations = ((lease or {}).get("metadata") or {}).get("annotations") or {}
    held = bool(spec.get("holderIdentity"))
    return {
        "holder": one_line(spec["holderIdentity"], 80) if held else None,
        "who": one_line(annotations.get(WHO, ""), 200) or None if held else None,
        "host": one_line(annotations.get(HOST, ""), 200) or None if held else None,
        "acquired_at": spec.get("acquireTime") if held else None, "renewed_at": spec.get("renewTime") if held else None,
        "expires_at": expiry(spec) if held else None,
    }


def expiry(spec: Dict[str, Any]) -> Optional[str]:
    """End of a Lease's validity; None where it does not say."""
    try:
        renewed = datetime.strptime(str(spec.get("renewTime")), MICRO_TIME)
        return stamp(renewed + timedelta(seconds=int(spec["leaseDurationSeconds"])))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def stamp(moment: datetime) -> str:
    """RFC 3339 with microseconds, as Leases have it."""
    return moment.strftime(MICRO_TIME)
