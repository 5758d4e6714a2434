# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

import chart_render  # noqa: E402


@pytest.fixture(scope="session")
def helm() -> str:
    try:
        return chart_render.find_helm()
    except chart_render.CannotCompare as error:
        pytest.skip(str(error))
