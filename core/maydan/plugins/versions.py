"""Versions of plugins and of the hooks, and the specifiers that ask for them, such as ``>=1,<2``.

The part of PEP 440 that plugins need; the library for all of it would cost every start 40 ms.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Final, NamedTuple

HOOK_API: Final = "1.4"
"""Version of ``hookspecs.py`` and ``maydan.plugin``: additions raise the second number, breaks the first."""

_VERSION: Final = re.compile(
    r"v?(?P<release>\d+(\.\d+)*)(?P<pre>(\.?dev|[._-]?(a|b|rc|alpha|beta))\d*)?(\+[a-z0-9.]+)?"
)
_CLAUSE: Final = re.compile(r"\s*(?P<operator>~=|==|!=|>=|<=|>|<)\s*(?P<version>\S+)\s*")
_REQUIREMENT: Final = re.compile(r"\s*(?P<name>[a-z][a-z0-9_]*)\s*(?P<versions>.*)", re.DOTALL)

_Key = tuple[tuple[int, ...], int, str]
_OPERATORS: Final[dict[str, Callable[[_Key, _Key], bool]]] = {
    "==": eq, "!=": ne, ">=": ge, "<=": le, ">": gt, "<": lt,
}  # fmt: skip


class Requirement(NamedTuple):
    """Another plugin, in any of some versions."""

    name: str
    versions: str

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read ``commerce`` or ``commerce>=1,<2``.

        Raises:
            ValueError: With what is wrong.
        """
        match = _REQUIREMENT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} does not begin with a plugin's name")
        versions = match["versions"].strip()
        check_specifier(versions)
        return cls(match["name"], versions)

    def accepts(self, version: str) -> bool:
        """Tell whether that version will do."""
        return matches(self.versions, version)


def check_specifier(text: str) -> None:
    """Refuse what is not a version specifier.

    Raises:
        ValueError: With what is wrong.
    """
    try:
        matches(text, "0")
    except ValueError:
        raise ValueError(f"{text!r} is not a version specifier such as '>=1,<2'") from None


def check_version(text: str) -> None:
    """Refuse what is not a version.

    Raises:
        ValueError: With what is wrong.
    """
    _key(text)


def matches(specifier: str, version: str) -> bool:
    """Tell whether the version fits every clause; an empty specifier fits all.

    Raises:
        ValueError: The specifier, or the version, is not one.
    """
    key = _key(version)
    clauses = specifier.split(",") if specifier.strip() else []
    fitting = [_fits(clause, key) for clause in clauses]  # each is read, so that a mistake never hides
    return all(fitting)


def _fits(clause: str, key: _Key) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        raise ValueError(f"{clause!r} is not a clause of a version specifier")
    wanted = _key(match["version"])
    if match["operator"] == "<" and key[0] == wanted[0]:
        # A pre-release of 2 is not yet 2, and yet not what <2 asks for (PEP 440, exclusive ordered comparison).
        return wanted[1] == 0 and key < wanted
    if match["operator"] != "~=":
        return _OPERATORS[match["operator"]](key, wanted)
    # ~=1.4 is >=1.4 and ==1.* (PEP 440, compatible release).
    series = _release(match["version"])[:-1]
    return bool(series) and key >= wanted and _padded(key[0], len(series))[: len(series)] == series


def _key(version: str) -> _Key:
    """Return what sorts as the version does: a pre-release before its release, ``1`` and ``1.0`` alike."""
    match = _VERSION.fullmatch(version.strip().lower())
    if match is None:
        raise ValueError(f"{version!r} is not a version such as '1.2.0'")
    release = list(_release(version))
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), 0 if match["pre"] else 1, match["pre"] or ""


def _release(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version.strip().lower())
    return tuple(int(part) for part in match["release"].split(".")) if match else ()


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return release + (0,) * (length - len(release))
