"""What is said of answers that a shared cache may keep without asking again, until it is told that they are stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.events.settings import CacheSettings

_VARY: Final = b"Accept-Language, Authorization, Origin"
"""Whoever logs in gets answers of their own, which a cache that does not ask would otherwise hide from them; and a
script of another origin needs headers that others do not get."""


class Sharing:
    """Makes the headers that tell a shared cache how long and by which tags to keep an answer."""

    __slots__ = ("_between", "_control", "_name")

    def __init__(self, settings: CacheSettings) -> None:
        """Speak as the cache in front does.

        ``s-maxage`` (RFC 9111, section 5.2.2.10) is for shared caches alone: a browser, which nobody can tell that
        something is stale, goes by ``max-age`` and asks each time.
        """
        self._control = f"public, max-age=0, s-maxage={settings.shared_s}".encode()
        is_json = settings.purge_format == "json"
        self._name, self._between = (b"cache-tag", ",") if is_json else (b"surrogate-key", " ")

    def headers(self, tags: Sequence[str]) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer that depends on what the tags stand for, and on nothing else."""
        return [
            (b"cache-control", self._control), (b"vary", _VARY), (self._name, self._between.join(tags).encode())
        ]  # fmt: skip
