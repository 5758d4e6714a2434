# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a command line ends: the result on stdout, an error as one sentence, an exit code."""
from __future__ import annotations

import argparse
import json
import sys
from typing import Optional

from .progress import Progress


def carry_out(parser: argparse.ArgumentParser, error: type[Exception], argv: Optional[list[str]] = None) -> int:
    """Runs the command that was asked for; `error` is the kind that is meant for the user. The exit code."""
    args = parser.parse_args(argv)
    progress = Progress(sys.stderr if args.json else sys.stdout)
    try:
        code, result = args.run(args, progress)
    except error as told:
        print(f"{parser.prog}: {told}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130
    if args.json:
        print(json.dumps(result, indent=2))
    return code
