# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The chart of a release: rebuilt from its Secret, or a copy the user has, checked to be the same one."""
from __future__ import annotations

import base64
import binascii
import json
import os
import tarfile
from typing import Any, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_release import dependencies_of
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Failed, Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.manifests import documents
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

MAX_CHART_YAML = 1024 * 1024


class BadChart(Failed):
    """A chart that cannot stand for the release's own."""


def chart_for(release: dict, given: Optional[str], directory: str) -> str:
    """Path of a chart fit to change this release: `given` when it is the same version, else rebuilt in `directory`."""
    if given:
        check_given(release, given)
        return os.path.abspath(os.path.expanduser(given))
    missing = dependencies_of(release)
    if missing:
        raise BadChart("The release's chart has dependencies ({0}) which Helm does not store with the release: give "
                       "the same version of the chart with the option chart.".format(", ".join(missing)))
    return rebuild(release["chart"], os.path.join(directory, "chart"))


def rebuild(chart: dict, directory: str) -> str:
    """Writes the chart as Helm stored it; the same templates and defaults give the same manifests. Returns its path."""
    os.mkdir(directory, 0o700)
    for name, content in chart_files(chart):
        path = os.path.join(directory, *name.split("/"))
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(content)
    return directory


def chart_files(chart: dict) -> List[Tuple[str, bytes]]:
    """[(relative path, content)] of a stored chart. Raises Garbled."""
    files = [("Chart.yaml", _json(chart["metadata"])), ("values.yaml", _json(chart.get("values") or {}))]
    if chart.get("lock"):
        files.append(("Chart.lock", _json(chart["lock"])))
    if chart.get("schema"):
        files.append(("values.schema.json", _decoded(chart["schema"], "values.schema.json")))
    for part in ("templates", "files"):
        files += [_file(entry) for entry in chart.get(part) or []]
    return files


def _file(entry: Any) -> Tuple[str, bytes]:
    name = entry.get("name") if isinstance(entry, dict) else None
    parts = name.split("/") if isinstance(name, str) else []
    # A stored name decides where a file is written: none may lead out of the folder.
    if not parts or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise Garbled("The chart stored with the release has a file with an impossible name ({0}).".format(
            one_line(name, 100)))
    return name, _decoded(entry.get("data") or "", name)


def _decoded(text: Any, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Garbled("File {0} of the chart stored with the release is damaged: give the same version of the chart "
                      "with the option chart.".format(one_line(name, 100))) from None


def _json(document: Any) -> bytes:
    """JSON is YAML, with no doubt about types."""
    return json.dumps(document, indent=1).encode()


def check_given(release: dict, path: str) -> None:
    """Raises BadChart unless the chart at `path` has the name and version of the release's."""
    given = metadata_at(os.path.expanduser(path))
    stored = release["chart"]["metadata"]
    for key, what in (("name", "name"), ("version", "version")):
        if str(given.get(key)) != str(stored.get(key)):
            raise BadChart("Chart {0} has the {1} {2}, but the release was made with {3}: give exactly that chart; "
                           "upgrading Cilium is another task.".format(
                               one_line(path, 200), what, one_line(given.get(key), 60), one_line(stored.get(key), 60)))


def metadata_at(path: str) -> dict:
    """Chart.yaml of a chart folder or package."""
    try:
        content = _from_folder(path) if os.path.isdir(path) else _from_package(path)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise BadChart("There is no readable chart at {0} ({1}): give a chart folder or a .tgz package.".format(
            one_line(path, 200), one_line(error, 100))) from None
    if content is None:
        raise BadChart("{0} holds no Chart.yaml: give a chart folder or a .tgz package.".format(one_line(path, 200)))
    try:
        found = documents(content.decode("utf-8", "replace"))
    except Garbled:
        found = []
    if len(found) != 1:
        raise BadChart("Chart.yaml in {0} is not valid YAML.".format(one_line(path, 200)))
    return found[0]


def _from_folder(path: str) -> Optional[bytes]:
    with open(os.path.join(path, "Chart.yaml"), "rb") as stream:
        return stream.read(MAX_CHART_YAML)


def _from_package(path: str) -> Optional[bytes]:
    with tarfile.open(path) as package:
        for member in package:
            if member.isfile() and member.name.count("/") == 1 and member.name.endswith("/Chart.yaml"):
                stream = package.extractfile(member)
                return None if stream is None else stream.read(MAX_CHART_YAML)
    return None
