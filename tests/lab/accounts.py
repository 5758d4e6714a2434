# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts with few rights for lab tests: a service account, its role, and a kubeconfig with its token."""
from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from kubernetes import client, config
from labkit import NAMESPACE, Lab

# What an audit needs, and no more.
AUDIT = (
    ("", "get", "namespaces"), ("", "list", "nodes"), ("", "get list", "configmaps"), ("", "get list", "secrets"),
    ("", "list", "pods"), ("", "get create", "pods/exec"), ("apps", "list", "daemonsets"),
    ("", "list", "services"), ("discovery.k8s.io", "list", "endpointslices"),
    ("cilium.io", "list", "ciliumnodeconfigs"), ("helm.cattle.io", "list", "helmcharts"))


def account(lab: Lab, name: str, folder: Path, rights: tuple = AUDIT, without: str = "") -> str:
    """Path of a kubeconfig of an account with `rights` ((group, verbs, resource), ..), except for `without`."""
    rules = [{"apiGroups": [group], "verbs": verbs.split(), "resources": [resource]}
             for group, verbs, resource in rights if resource != without]
    api = lab.api()
    client.CoreV1Api(api).create_namespaced_service_account(NAMESPACE, {"metadata": {"name": name}})
    roles = client.RbacAuthorizationV1Api(api)
    roles.create_cluster_role({"metadata": {"name": name}, "rules": rules})
    roles.create_cluster_role_binding({
        "metadata": {"name": name}, "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]})
    token = client.CoreV1Api(api).create_namespaced_service_account_token(name, NAMESPACE, {"spec": {}}).status.token
    return kubeconfig(lab, folder / (name + ".kubeconfig"), token)


def kubeconfig(lab: Lab, path: Path, token: str) -> str:
    """The lab's kubeconfig with another user's token."""
    settings = client.Configuration()
    config.load_kube_config(str(lab.kubeconfig), client_configuration=settings)
    authority = base64.b64encode(Path(settings.ssl_ca_cert).read_bytes()).decode()
    document: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {
            "server": settings.host, "certificate-authority-data": authority}}],
        "users": [{"name": "account", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "account"}}]}
    path.write_text(json.dumps(document))
    return str(path)
