"""Versions of plugins and of the hooks, and the specifiers that ask for them, such as ``>=1,<2`` (PEP 440)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

HOOK_API: Final = "1.0"
"""Version of ``hookspecs.py`` and ``maydan.plugin``: additions raise the second number, breaks the first."""

_REQUIREMENT: Final = re.compile(r"\s*(?P<name>[a-z][a-z0-9_]*)\s*(?P<versions>.*)", re.DOTALL)


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
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"{text!r} is not a version specifier such as '>=1,<2'") from None


def check_version(text: str) -> None:
    """Refuse what is not a version.

    Raises:
        ValueError: With what is wrong.
    """
    try:
        Version(text)
    except InvalidVersion:
        raise ValueError(f"{text!r} is not a version such as '1.2.0'") from None


def matches(specifier: str, version: str) -> bool:
    """Tell whether the version fits; pre-releases do."""
    return SpecifierSet(specifier).contains(version, prereleases=True)
