# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rendered manifests: what is in them and how two of them differ. Certificates and secrets stay out of the result."""
from __future__ import annotations

import base64
import binascii
import difflib
import re
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Failed, Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN, masked

try:
    import yaml
    # libyaml reads a large chart's manifest in a tenth of the time.
    BASE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    BASE_DUMPER: Any = yaml.SafeDumper
except ImportError:
    yaml = None
    BASE_LOADER = BASE_DUMPER = object

CERTIFICATE = "<certificate>"
EMPTY_FLAG = re.compile(r"--[A-Za-z0-9-]+=\Z")
PEM = re.compile(r"-----BEGIN [A-Z ]*(?:CERTIFICATE|KEY)-----")
Key = Tuple[str, str, str, str]


class Loader(BASE_LOADER):
    """Reads YAML as Helm's reader does: dates and numbers to the base of 60 (11:22:33) stay text."""


class Dumper(BASE_DUMPER):
    """Writes text of several lines line by line, so that a diff shows the line that differs."""


def _text(dumper: Any, value: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


if yaml is not None:
    TAG = "tag:yaml.org,2002:"
    DIGITS = "-+0123456789"
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag[len(TAG):] not in ("timestamp", "int", "float")]
        for first, resolvers in BASE_LOADER.yaml_implicit_resolvers.items()}
    Loader.add_implicit_resolver(TAG + "int", re.compile(
        r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)\Z"), list(DIGITS))
    Loader.add_implicit_resolver(TAG + "float", re.compile(
        r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN))\Z"), list(DIGITS + "."))
    Dumper.add_representer(str, _text)


def documents(manifest_text: str) -> List[dict]:
    """The resources of a manifest. Raises Garbled for what is no YAML, Failed without PyYAML."""
    if yaml is None:
        raise Failed(missing_required_lib("PyYAML"))
    try:
        found = [document for document in yaml.load_all(manifest_text, Loader=Loader) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = " (line {0})".format(mark.line + 1) if mark else ""
        raise Garbled("A manifest of the release is not valid YAML{0}.".format(line)) from None
    if not all(isinstance(document, dict) for document in found):
        raise Garbled("A manifest of the release holds something that is no Kubernetes resource.")
    return found


def key_of(document: dict) -> Key:
    """(apiVersion, kind, namespace, name)."""
    metadata = document.get("metadata") or {}
    return (str(document.get("apiVersion", "")), str(document.get("kind", "")),
            str(metadata.get("namespace") or ""), str(metadata.get("name", "")))


def resource_of(manifest_text: str, kind: str, name: str) -> Optional[dict]:
    """The resource of this kind and name, or None."""
    for document in documents(manifest_text):
        if key_of(document)[1::2] == (kind, name):
            return document
    return None


def config_map_of(manifest_text: str, name: str = "cilium-config") -> Optional[Dict[str, str]]:
    """`data` of the ConfigMap of that name in a release's manifest, or None when it holds none."""
    document = resource_of(manifest_text, "ConfigMap", name)
    return None if document is None else {str(key): value for key, value in (document.get("data") or {}).items()}


def changed_resources(former_text: str, new_text: str) -> List[dict]:
    """[{kind, namespace, name, change: added|changed|removed, diff}] for what differs beside certificates.

    diff: unified diff of the resource's YAML with sorted keys, secrets hidden.
    """
    return _differences(_by_key(former_text), _by_key(new_text))


def certificates_reissued(former_text: str, new_text: str) -> List[str]:
    """Names of the resources whose certificates or keys differ between two manifests."""
    former, new = _by_key(former_text), _by_key(new_text)
    return sorted({key[3] for key in set(former) & set(new)
                   if _certificates(former[key]) != _certificates(new[key])})


def equal_but_certificates(former_text: str, new_text: str) -> bool:
    """True when both manifests describe the same resources, certificates aside."""
    return not changed_resources(former_text, new_text)


def rendering_changes(stored_text: str, rendered_text: str) -> List[dict]:
    """changed_resources between a stored manifest and one rendered from the same chart and values.

    Left out is what Helm 4 renders otherwise than Helm 3 where a chart's default is null: ConfigMap entries that are
    empty text, flags without a value (`--name=`), and the checksums that follow from them.
    """
    former = {key: _essential(document) for key, document in _by_key(stored_text).items()}
    new = {key: _essential(document) for key, document in _by_key(rendered_text).items()}
    return _differences(former, new)


def _essential(document: dict) -> dict:
    result = dict(document)
    if document.get("kind") == "ConfigMap" and isinstance(document.get("data"), dict):
        result["data"] = {key: value for key, value in document["data"].items() if value != ""}
    template = (document.get("spec") or {}).get("template") if isinstance(document.get("spec"), dict) else None
    if isinstance(template, dict):
        metadata = dict(template.get("metadata") or {})
        metadata["annotations"] = {key: value for key, value in (metadata.get("annotations") or {}).items()
                                   if "checksum" not in key}
        result["spec"] = dict(document["spec"], template=_without_empty_flags(dict(template, metadata=metadata)))
    return result


def _without_empty_flags(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_empty_flags(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_without_empty_flags(item) for item in tree
                if not (isinstance(item, str) and EMPTY_FLAG.match(item))]
    return tree


def names_of(changes: Iterable[dict]) -> str:
    """'DaemonSet cilium, ConfigMap cilium-config' for a sentence."""
    return ", ".join("{kind} {name}".format(**change) for change in changes)


def _by_key(manifest_text: str) -> Dict[Key, dict]:
    return {key_of(document): document for document in documents(manifest_text)}


def _differences(former: Dict[Key, dict], new: Dict[Key, dict]) -> List[dict]:
    found = (_difference(key, former.get(key), new.get(key)) for key in sorted(set(former) | set(new)))
    return [entry for entry in found if entry is not None]


def _difference(key: Key, former: Optional[dict], new: Optional[dict]) -> Optional[dict]:
    plain_former, plain_new = _without_certificates(former), _without_certificates(new)
    if plain_former == plain_new:
        return None
    change = "added" if former is None else "removed" if new is None else "changed"
    return {"kind": key[1], "namespace": key[2], "name": key[3], "change": change,
            "diff": _diff(key, _shown(former, None), _shown(new, former))}


def _diff(key: Key, before: List[str], after: List[str]) -> str:
    label = "/".join(part for part in key[1:] if part)
    return "\n".join(difflib.unified_diff(before, after, "former/" + label, "new/" + label, lineterm="")) + "\n"


def _shown(document: Optional[dict], former: Optional[dict]) -> List[str]:
    """YAML lines of a resource, fit to be shown. Hidden data that differ from `former` say so."""
    if document is None:
        return []
    shown = masked(_without_certificates(document))
    for part in ("data", "stringData"):
        if key_of(document)[1] == "Secret" and isinstance(document.get(part), dict):
            known = ((former or {}).get(part) or {}) if former is not None else document[part]
            shown[part] = {name: _hidden(value, name not in known or known[name] == value)
                           for name, value in document[part].items()}
    return yaml.dump(shown, Dumper=Dumper, sort_keys=True, default_flow_style=False, width=4096).splitlines()


def _hidden(value: Any, unchanged: bool) -> str:
    if _is_certificate(value):
        return CERTIFICATE
    return HIDDEN if unchanged else HIDDEN + " (changed)"


def _without_certificates(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_certificates(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_without_certificates(item) for item in tree]
    return CERTIFICATE if _is_certificate(tree) else tree


def _certificates(tree: Any) -> Set[str]:
    if isinstance(tree, (dict, list)):
        items = tree.values() if isinstance(tree, dict) else tree
        return set().union(*(_certificates(item) for item in items))
    return {tree} if _is_certificate(tree) else set()


def _is_certificate(value: Any) -> bool:
    """PEM text, plain or as base64 in a Secret's data or a webhook's caBundle."""
    if not isinstance(value, str):
        return False
    if PEM.match(value.lstrip()):
        return True
    try:
        text = base64.b64decode(value).decode("ascii", "replace") if value.startswith("LS0tLS1CRUdJTi") else ""
    except (binascii.Error, ValueError):
        return False
    return bool(PEM.match(text))
