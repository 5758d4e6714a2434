# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat
import tarfile

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_chart import (
    BadChart, chart_files, chart_for, metadata_at, rebuild)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Garbled
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import release


def chart_folder(folder, name="cilium", version="1.13.4"):
    folder.mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: {0}\nversion: {1}\n".format(name, version))
    return folder


def package(folder, path):
    with tarfile.open(str(path), "w:gz") as archive:
        archive.add(str(folder), "cilium")
    return str(path)


def test_a_rebuilt_chart_holds_what_the_release_holds(tmp_path):
    chart = dict(release()["chart"], lock={"digest": "x"}, schema="e30=")
    folder = rebuild(chart, str(tmp_path / "chart"))
    read = {name: open(os.path.join(folder, *name.split("/")), "rb").read() for name, _content in chart_files(chart)}
    assert json.loads(read["Chart.yaml"]) == chart["metadata"] and json.loads(read["values.yaml"]) == chart["values"]
    assert read["templates/a.yaml"] == b"a: 1\n" and read["files/x/y.txt"] == b"\x00\xff"
    assert json.loads(read["Chart.lock"]) == {"digest": "x"} and read["values.schema.json"] == b"{}"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", "a//b", "./a", "a\\..\\b", "a\0b", None, 5])
def test_a_file_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    chart = dict(release()["chart"], files=[{"name": name, "data": "eA=="}])
    with pytest.raises(Garbled, match="impossible name"):
        rebuild(chart, str(tmp_path / "chart"))
    assert sorted(os.listdir(str(tmp_path))) == ["chart"]


@pytest.mark.parametrize("data", ["%%%", 5, ["x"]])
def test_a_damaged_file_is_named(data):
    with pytest.raises(Garbled, match="File templates/b.yaml"):
        chart_files(dict(release()["chart"], templates=[{"name": "templates/b.yaml", "data": data}]))


def test_an_empty_file_is_kept():
    files = dict(chart_files(dict(release()["chart"], files=[{"name": "files/empty", "data": None}])))
    assert files["files/empty"] == b""


def test_dependencies_need_the_chart_itself(tmp_path):
    document = release()
    document["chart"]["metadata"]["dependencies"] = [{"name": "envoy"}, {"name": "spire"}]
    with pytest.raises(BadChart, match=r"dependencies \(envoy, spire\).*option chart"):
        chart_for(document, None, str(tmp_path))
    given = str(chart_folder(tmp_path / "given"))
    assert chart_for(document, given, str(tmp_path)) == given


def test_a_given_package_or_folder_of_the_same_version_is_used(tmp_path):
    folder = chart_folder(tmp_path / "given")
    path = package(folder, tmp_path / "cilium.tgz")
    assert chart_for(release(), path, "nowhere") == path
    assert metadata_at(str(folder)) == metadata_at(path) == {"apiVersion": "v2", "name": "cilium", "version": "1.13.4"}


@pytest.mark.parametrize("name, version, word",
                         [("cilium", "1.13.5", "version 1.13.5"), ("other", "1.13.4", "name other")])
def test_a_chart_of_another_name_or_version_is_refused(tmp_path, name, version, word):
    with pytest.raises(BadChart, match=word):
        chart_for(release(), str(chart_folder(tmp_path / "given", name, version)), str(tmp_path))


def test_what_is_no_chart_is_refused(tmp_path):
    (tmp_path / "text.tgz").write_text("no package")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "Chart.yaml").write_text("a: [")
    (tmp_path / "other").mkdir()
    for name in ("text.tgz", "empty", "broken", "missing", "no-chart.tgz"):
        if name == "no-chart.tgz":
            package(tmp_path / "other", tmp_path / name)
        with pytest.raises(BadChart):
            chart_for(release(), str(tmp_path / name), str(tmp_path))
