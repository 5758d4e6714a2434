# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kernel's preemption model: built in, asked for at boot, and live."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.host.kernel import argument
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

MODELS = ("none", "voluntary", "full", "lazy", "rt")
OPTIONS = (("none", "PREEMPT_NONE"), ("voluntary", "PREEMPT_VOLUNTARY"), ("lazy", "PREEMPT_LAZY"), ("full", "PREEMPT"))
# The last is that of Linux 5.12.
SWITCHES = ["/sys/kernel/debug/sched/preempt", "/sys/kernel/debug/sched_preempt"]
IN_VERSION = re.compile(r"\bPREEMPT(?:_(DYNAMIC|RT|LAZY))?\b")


def read(root: Root, unread: Unread, kernel: Dict[str, Any]) -> Dict[str, Any]:
    """The document's `preemption`; `kernel` is its `kernel`."""
    build, dynamic = built(kernel.get("config"), kernel.get("version"))
    if build is None:
        unread.add("preemption/build", "not_found", "The model that the kernel was built with is known from its "
                   "configuration only, which could not be read.")
    shown = unread.attempt("preemption/live", switchable, root) if dynamic is not False else None
    live, available, switch = shown or ((build, [build], None) if build and dynamic is False else (None, None, None))
    return {"build": build, "dynamic": dynamic, "command_line": argument(kernel.get("command_line"), "preempt"),
            "live": live, "available": available, "switch": switch}


def built(config: Optional[Dict[str, str]], version: Optional[str]) -> Tuple[Optional[str], Optional[bool]]:
    """(model built in, whether it can be switched), from the configuration, else as far as `uname -v` tells. Pure."""
    if config:
        return _model(config), config.get("CONFIG_PREEMPT_DYNAMIC") == "y"
    match = IN_VERSION.search(version or "")
    if match is None:
        return None, False if version else None  # none or voluntary: both are silent there
    told = match.group(1)
    return {"DYNAMIC": None, "RT": "rt", "LAZY": "lazy"}.get(told or "", "full"), told == "DYNAMIC"


def _model(config: Dict[str, str]) -> Optional[str]:
    if config.get("CONFIG_PREEMPT_RT") == "y":
        return "rt"
    for model, option in OPTIONS:
        # Linux 5.16 had the choice under these longer names.
        if "y" in (config.get("CONFIG_" + option), config.get("CONFIG_" + option + "_BEHAVIOUR")):
            return model
    return None


def switchable(root: Root) -> Tuple[str, List[str], str]:
    """(live model, all that can be chosen, the file to choose it in) from debugfs."""
    for name in SWITCHES:
        found = root.word(name)
        if found is not None:
            return (*parse_choice(found), name)
    raise HostError("not_found", "There is no sched/preempt in /sys/kernel/debug (is debugfs mounted?), so the live "
                    "preemption model cannot be read.")


def parse_choice(text: str) -> Tuple[str, List[str]]:
    """("full", ["none", "voluntary", "full"]) for "none voluntary (full)". HostError for anything else. Pure."""
    words = text.split()
    live = [word[1:-1] for word in words if word.startswith("(") and word.endswith(")")]
    names = [word.strip("()") for word in words]
    if len(live) != 1 or not set(names) <= set(MODELS):
        raise HostError("garbled", "debugfs shows no preemption models that are known.")
    return live[0], names
