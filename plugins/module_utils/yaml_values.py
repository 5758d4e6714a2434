# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Helm values as a YAML text: read as Helm reads it, and written so that Helm reads the same again."""
from __future__ import annotations

import re
from typing import Any, Dict

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.fastpath.cilium.plugins.module_utils import manifests
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Failed, Garbled

# Helm's reader takes more words for numbers than Python's writer knows (1e3, 0o17, .5).
LIKE_A_NUMBER = re.compile(r"[-+.]?[0-9.]")


class Writer(manifests.BASE_DUMPER):
    """Quotes what could be taken for a number, writes long texts line by line, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: Any, value: str) -> Any:
    style = "|" if "\n" in value else '"' if LIKE_A_NUMBER.match(value) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


if manifests.yaml is not None:
    Writer.add_representer(str, _text)


def read(text: str, what: str) -> Dict[str, Any]:
    """The values, keys in the text's order; {} of a text without any. Raises Garbled with `what` in its sentence."""
    if manifests.yaml is None:
        raise Failed(missing_required_lib("PyYAML"))
    try:
        # Loader is a SafeLoader by its base.
        values = manifests.yaml.load(text, Loader=manifests.Loader)
    except (manifests.yaml.YAMLError, ValueError, RecursionError):
        raise Garbled("{0} is no YAML that can be read: correct it first.".format(what)) from None
    if values is not None and not isinstance(values, dict):
        raise Garbled("{0} holds something else than Helm values (a mapping): correct it first.".format(what))
    return values or {}


def write(values: Dict[str, Any]) -> str:
    """A YAML text of these values, keys in their order; an empty text without any."""
    if not values:
        return ""
    return manifests.yaml.dump(
        values, Dumper=Writer, sort_keys=False, default_flow_style=False, allow_unicode=True, width=4096)
