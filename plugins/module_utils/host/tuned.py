# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""tuned: whether it is there, which profile it keeps, and what it says of it itself."""
from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread, settings
from ansible_collections.fastpath.cilium.plugins.module_utils.host.units import Unit
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

PROGRAMS = ["/usr/sbin/tuned-adm", "/usr/bin/tuned-adm"]
# Since 2.24 profiles have a folder of their own.
PROFILES = ("/usr/lib/tuned", "/usr/lib/tuned/profiles", "/etc/tuned", "/etc/tuned/profiles")
PACKAGES = ("/usr/lib/python3/dist-packages", "/usr/lib/python3/site-packages")
NUMBER = re.compile(r"^TUNED_VERSION_(MAJOR|MINOR|PATCH)\s*=\s*(\d{1,6})\s*$", re.MULTILINE)
PROFILE = re.compile(r"[A-Za-z0-9_.+-]{1,100}(?: [A-Za-z0-9_.+-]{1,100}){0,9}\Z")
VERIFIED = re.compile(r"\bveri?fication (succeeded|failed)", re.IGNORECASE)  # tuned 2.20 has it without its second vowel
KEYS = ("installed", "version", "running", "enabled", "active_profile", "profile_mode", "profiles", "recommended", "verify",
        "options")


def read(root: Root, unread: Unread, unit: Unit, ask: bool = True) -> Dict[str, Any]:
    """The document's `tuned`; with `ask` tuned-adm is asked for its recommendation and whether all settings hold."""
    if root.first(PROGRAMS) is None:
        return dict(dict.fromkeys(KEYS), installed=False)
    attempt = unread.attempt
    found = {
        "installed": True, "version": attempt("tuned/version", version, root), "running": unit.active,
        "enabled": unit.enabled,
        "active_profile": attempt("tuned/active_profile", root.word, "/etc/tuned/active_profile"),
        "profile_mode": attempt("tuned/profile_mode", root.word, "/etc/tuned/profile_mode"),
        "profiles": attempt("tuned/profiles", profiles, root), "recommended": None, "verify": None,
        "options": attempt("tuned/options", options, root),
    }
    if ask:
        _ask(root, unread, found)
    return found


def _ask(root: Root, unread: Unread, found: Dict[str, Any]) -> None:
    """Both at a time: each starts a Python of its own."""
    with ThreadPoolExecutor(2) as pool:
        recommended = pool.submit(recommend, root)
        verified = pool.submit(verify, root) if found["running"] and found["active_profile"] else None
        found["recommended"] = unread.attempt("tuned/recommended", recommended.result)
        found["verify"] = unread.attempt("tuned/verify", verified.result) if verified else None


def version(root: Root) -> Optional[str]:
    """As its own package has it: a program that prints it takes a hundred times as long."""
    folders = list(PACKAGES)
    for folder in ("/usr/lib", "/usr/lib64"):
        found = [name for name in root.names(folder) if name.startswith("python3.")]
        folders += ["{0}/{1}/site-packages".format(folder, name) for name in found]
    for folder in folders:
        numbers = dict(NUMBER.findall(root.text(folder + "/tuned/version.py") or ""))
        if len(numbers) == 3:
            return "{MAJOR}.{MINOR}.{PATCH}".format(**numbers)
    answer = root.machine.run(["tuned-adm", "--version"])
    match = re.search(r"\d{1,6}\.\d{1,6}(\.\d{1,6})?", answer.output)
    if match is None:
        raise HostError("garbled", "tuned-adm does not say its version.")
    return match.group(0)


def profiles(root: Root) -> List[str]:
    """The names of all profiles that could be chosen."""
    return sorted({name for folder in PROFILES for name in root.names(folder)
                   if root.there("{0}/{1}/tuned.conf".format(folder, name))})


def options(root: Root) -> Dict[str, str]:
    """What tuned-main.conf sets: reapply_sysctl, daemon, ..."""
    return settings_spaced(root.text("/etc/tuned/tuned-main.conf"))


def settings_spaced(content: Optional[str]) -> Dict[str, str]:
    """KEY = value lines."""
    return {key: value.strip() for key, value in settings(content).items()}


def recommend(root: Root) -> str:
    """The profile that tuned would choose by itself."""
    answer = root.machine.run(["tuned-adm", "recommend"], 30)
    found = one_line(answer.output, 400)
    if answer.code or not PROFILE.match(found):
        raise HostError("failed", "tuned-adm recommend says: {0}".format(one_line(found, 200) or "nothing"))
    return found


def verify(root: Root) -> str:
    """ok, or failed where a setting of the active profile does not hold."""
    answer = root.machine.run(["tuned-adm", "verify"], 60)
    if answer.code in (0, 1) and VERIFIED.search(answer.output):
        return "failed" if answer.code else "ok"
    raise HostError("failed", "tuned-adm verify says: {0}".format(one_line(answer.output, 200) or "nothing"))
