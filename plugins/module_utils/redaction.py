# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps secrets out of what is shown: Helm values, manifests, messages of other programs."""
from __future__ import annotations

import re
from typing import Any, Iterable, List, Set

HIDDEN = "<hidden>"
SECRET_WORDS = frozenset((
    "password", "passwd", "passphrase", "secret", "token", "credential", "credentials", "apikey", "psk", "bearer"))
KEY_OWNERS = frozenset((
    "private", "api", "access", "account", "encryption", "ipsec", "signing", "ssh", "ssl", "tls", "server", "client",
    "ca"))
# Words that turn "token" or "secret" into something that only speaks about it: secretName, token-ttl, tokenFile.
ABOUT = frozenset((
    "name", "names", "namespace", "file", "path", "dir", "directory", "enabled", "enable", "ref", "type", "mode", "ttl",
    "duration", "lifetime", "expiration", "interval", "backend", "watcher", "sync", "create", "optional", "count"))
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----|(?:^|[^A-Za-z0-9+/])LS0tLS1CRUdJTi")
LONG_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]{64,}\Z")
URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
FLAG_SECRET = re.compile(r"(--[a-z0-9-]*(?:password|passwd|token|secret|psk)(?:=|\s+))[^\s\"']+", re.IGNORECASE)


def is_secret_key(key: str) -> bool:
    """True when a value below this key is a secret by the key's name alone (`adminPassword`, `tls-key`)."""
    words = [word.lower() for word in WORD.findall(key)]
    if not words or words[-1] in ABOUT:
        return False
    if SECRET_WORDS.intersection(words):
        return True
    return words[-1] == "key" and len(words) > 1 and words[-2] in KEY_OWNERS


def is_secret(key: str, value: Any) -> bool:
    """True when this leaf must not be shown."""
    if value is None or isinstance(value, bool) or str(value).lower() in ("", "true", "false"):
        return False
    if isinstance(value, str) and PEM.search(value):
        return True
    # A bare `key` is mostly a label's or taint's name; only something as long as a key is one.
    bare_key = key.lower() == "key" and isinstance(value, str) and bool(LONG_BASE64.match(value))
    return bare_key or is_secret_key(key)


def masked(tree: Any, key: str = "") -> Any:
    """A copy of nested data whose secret leaves are replaced by HIDDEN."""
    return _masked(tree, key, False, set())


def secret_strings(tree: Any) -> Set[str]:
    """The secret leaves of nested data as text, for `redacted`."""
    found: Set[str] = set()
    _masked(tree, "", False, found)
    return found


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Text without these secrets, passwords in URLs and values of secret-looking flags."""
    # Longest first, so that a secret which contains another one goes as a whole; one of three characters or less
    # would tear words apart and say nothing.
    for secret in sorted((one for one in secrets if len(one) > 3), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return FLAG_SECRET.sub(r"\1" + HIDDEN, URL_PASSWORD.sub(r"\1" + HIDDEN, text))


def _masked(tree: Any, key: str, below_secret: bool, found: Set[str]) -> Any:
    if isinstance(tree, dict):
        return _masked_mapping(tree, key, below_secret, found)
    if isinstance(tree, list):
        return [_masked(item, key, below_secret, found) for item in tree]
    if is_secret(key, tree) or (below_secret and is_secret("secret", tree)):
        found.add(str(tree))
        return HIDDEN
    return redacted(tree) if isinstance(tree, str) else tree


def _masked_mapping(tree: dict, key: str, below_secret: bool, found: Set[str]) -> dict:
    # {name: X, value: v}: a container's environment and other lists of named values.
    named = str(tree.get("name", "")) if "value" in tree else ""
    result = {}
    for name, value in tree.items():
        own = str(name)
        words: List[str] = [word.lower() for word in WORD.findall(own)]
        inherited = below_secret and not (words and words[-1] in ABOUT)
        result[name] = _masked(value, named if own == "value" and named else own,
                               inherited or (isinstance(value, (dict, list)) and is_secret_key(own)), found)
    return result
