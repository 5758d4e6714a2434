# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Is the status parser linear? Prints, per kind of input, the time at n and 2n characters and their ratio.

Run from the checkout: `python tests/benchmarks/status_parser.py [n]`. A ratio near 2 is linear, near 4 quadratic.
Exit code 1 when a ratio is above 3 and the time long enough (0.2 s) to mean something.
"""

from __future__ import annotations

import sys
import time

from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import (  # noqa: E402
    NotAStatus,
    parse_status,
)

RECORDED = "".join(path.read_text() for path in sorted((ROOT / "tests/fixtures/status").glob("*.txt")))
TOO_STEEP = 3.0
MEANINGFUL_SECONDS = 0.2

KINDS: dict[str, Callable[[int], str]] = {
    "recorded outputs": lambda size: RECORDED * (size // len(RECORDED)),
    "one line": lambda size: "x" * size,
    "blanks": lambda size: " " * size,
    "blank lines": lambda size: "\n" * size,
    "indented lines": lambda size: (" " * 999 + "\n") * (size // 1000),
    "status lines": lambda size: "Mode: SNAT\n" * (size // 11),
    "label without value": lambda size: "Mode" + " " * size,
    "value of blanks": lambda size: "Routing: Network:" + " " * size + "x",
    "repeated words": lambda size: "Routing: " + "Network: " * (size // 9),
    "device list": lambda size: "KubeProxyReplacement: True [" + "a," * (size // 2) + "a]",
    "annotations": lambda size: "Annotations:\n" + "- a.b/c\n" * (size // 8),
    "annotation headings": lambda size: "Annotations:\n" * (size // 13),
    "escapes": lambda size: "\x1b[" * (size // 2),
    "unclosed titles": lambda size: "\x1b]0;" * (size // 4),
    "brackets": lambda size: "[" * size,
    "nested JSON": lambda size: '{"a":\n' * (size // 6),
    "JSON lines": lambda size: "{}\n" * (size // 3),
    "broken JSON lines": lambda size: "{x\n" * (size // 3),
    "cut JSON list": lambda size: '{"a":[\n' + "{},\n" * (size // 4),
    "JSON with one key": lambda size: '{"a":[' + "{}," * (size // 3) + "{}]}",
    "repeated keys": lambda size: "{" + '"a":{},' * (size // 7) + '"a":{}}',
    "long number": lambda size: '{"cilium": ' + "9" * size + "}",
}


def seconds(text: str) -> float:
    start = time.process_time()
    try:
        parse_status(text)
    except NotAStatus:
        pass
    return time.process_time() - start


def main() -> int:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    steep = []
    print("%-22s %9s %9s %7s" % ("input", "n [s]", "2n [s]", "ratio"))
    for kind, make in KINDS.items():
        once, twice = seconds(make(size)), seconds(make(2 * size))
        ratio = twice / once if once else 0.0
        print("%-22s %9.3f %9.3f %7.1f" % (kind, once, twice, ratio))
        if ratio > TOO_STEEP and twice > MEANINGFUL_SECONDS:
            steep.append(kind)
    print("n = %d characters; not linear: %s" % (size, ", ".join(steep) or "none"))
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
