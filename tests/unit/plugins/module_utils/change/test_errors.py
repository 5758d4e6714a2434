# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import (
    ChangeError, Denied, Gone, Refused, classed, failure)


@pytest.mark.parametrize("number, kind", (
    (errno.ENOENT, "not_found"), (errno.ENODEV, "not_found"), (errno.EACCES, "denied"), (errno.EROFS, "denied"),
    (errno.EINVAL, "failed"), (errno.ENOSPC, "failed")))
def test_errors_of_the_operating_system_have_the_classes_of_facts(number, kind):
    found = failure(OSError(number, "words of the system"), "/etc/x", "written")
    assert found.kind == kind and found.message == "/etc/x cannot be written: words of the system."


def test_any_error_is_classed_and_one_of_ours_stays():
    ours = Refused("no", holder="run-2")
    assert classed(ours) is ours and ours.details == {"holder": "run-2"}
    assert isinstance(classed(PermissionError(13, "Permission denied", "/etc/x")), Denied)
    assert isinstance(classed(FileNotFoundError(2, "No such file", "/etc/x")), Gone)
    assert "ValueError" in classed(ValueError("x")).message


def test_what_tools_say_is_one_line_of_plain_text():
    assert ChangeError("a\x1b[31m b\nc" + "x" * 9000).message.startswith("a b c") and len(ChangeError("x" * 9000).message) <= 800
