"""A shared cache in front of a site: keeps what it may, by address and ``Vary``, and forgets by tag what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec
from site_support import Site, open_site
from webhook_receiver import Got, Receiver, answer, receiving

QUICK = {"first_pause_s": 0.001, "longest_pause_s": 0.002, "tries": 3, "poll_s": 0.05}
"""Settings of subscribers that try again at once."""


class Kept(NamedTuple):
    """One kept answer."""

    shown: tuple[int, bytes, str]
    tags: frozenset[str]


def shown(given: httpx.Response) -> tuple[int, bytes, str]:
    """What of an answer its reader sees, and what it is compared by."""
    return given.status_code, given.content, given.headers.get("content-language", "")


def tags_of(given: httpx.Response) -> list[str]:
    """The tags of an answer that may be kept, none where it may not."""
    return [tag for tag in given.headers.get("cache-tag", "").split(",") if tag]


class FrontCache:
    """Keeps answers that say ``s-maxage``, by address and language, until one of their tags is purged."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.kept: dict[tuple[str, str], Kept] = {}

    async def get(self, path: str, language: str = "") -> tuple[int, bytes, str]:
        """Answer a stranger, from what is kept where there is something."""
        known = self.kept.get((path, language))
        if known is not None:
            return known.shown
        given = await self.ask(path, language)
        if "s-maxage" in given.headers["cache-control"]:
            self.kept[path, language] = Kept(shown(given), frozenset(tags_of(given)))
        return shown(given)

    async def ask(self, path: str, language: str = "") -> httpx.Response:
        """Ask the site itself."""
        return await self.site.get(path, headers={"accept-language": language} if language else {})

    async def take(self, got: Got, writer: asyncio.StreamWriter) -> None:
        """Forget what a purge names; for a receiver of purges."""
        self.purge(purged(got))
        writer.write(answer(200))

    def purge(self, tags: list[str]) -> None:
        """Forget whatever has one of the tags."""
        self.kept = {key: each for key, each in self.kept.items() if each.tags.isdisjoint(tags)}


def purged(got: Got) -> list[str]:
    """The tags that a request purges, in either format."""
    if got.method == "PURGE":
        return got.headers["surrogate-key"].split()
    return msgspec.json.decode(got.body)["tags"]


def told(receiver: Receiver) -> list[str]:
    """All tags that came, each once; the receiver begins anew."""
    found = sorted({tag for got in receiver.got for tag in purged(got)})
    receiver.got.clear()
    return found


@asynccontextmanager
async def behind_cache(url: str, *, events: dict[str, Any] | None = None, **cache: Any) -> AsyncIterator[Any]:
    """A site whose answers a shared cache may keep, and the receiver of its purges."""
    async with receiving() as receiver:
        receiver.behave = _taken
        given = {
            "shared_s": 600, "settle_s": 0.0, "longest_pause_s": 0.01, "purge_url": receiver.url,
            "allow_private": True, **cache,
        }  # fmt: skip
        async with open_site(url, work=True, more={"cache": given, "events": events or QUICK}) as site:
            yield site, receiver


async def _taken(_got: Got, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(200))
