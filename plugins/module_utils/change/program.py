# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The undo as one file that needs nothing but a Python: the sources of this folder, zipped."""
from __future__ import annotations

import io
import sys
import zipfile
from types import ModuleType
from typing import Dict

HERE = __name__.rpartition(".")[0]
ABOVE = HERE.rpartition(".")[0]
ALSO = (ABOVE + ".text",)
MAIN = """from {0} import main
import sys
sys.exit(main(sys.argv[1:]))
"""


def sources() -> Dict[str, str]:
    """Source text by module name, of this folder and what it imports of the collection."""
    names = [name for name in sys.modules if name.startswith(HERE + ".") or name in ALSO]
    found = {}
    for name in sorted(names):
        loader = getattr(getattr(sys.modules[name], "__spec__", None), "loader", None)
        if hasattr(loader, "get_source"):
            found[name] = loader.get_source(name) or ""
    return found


def build(entry: ModuleType) -> bytes:
    """The program, as `python3 -I undo.pyz` runs it: the `main` of `entry`, which whoever calls this has imported, so that
    Ansible ships it and all that it imports."""
    found = {name.replace(".", "/") + ".py": text for name, text in sources().items()}
    parts = HERE.split(".")
    for depth in range(1, len(parts) + 1):
        found["/".join(parts[:depth]) + "/__init__.py"] = ""
    found["__main__.py"] = MAIN.format(entry.__name__)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(found.items()):
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
