"""What a route gives back: a body, what the cache may do with it, and a few headers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder

from maydan.http.conditions import tag_of

_encode = Encoder(order=None).encode


class Cache(Enum):
    """Who may keep an answer."""

    PRIVATE = "private"
    """It depends on the caller: nobody keeps it."""
    PUBLIC = "public"
    """Published, and the same for everybody: kept, and asked for again with its ETag. Only for anonymous callers."""
    SECRET = "secret"  # noqa: S105 - a kind of caching
    """It carries tokens: nobody keeps it."""


class Answer(Struct, frozen=True, kw_only=True):
    """A finished answer. The kernel adds the ETag, what is constant, and answers 304 where it can."""

    body: bytes = b""
    status: int = 0
    """0: the route's own."""
    media_type: str = "application/json"
    cache: Cache = Cache.PRIVATE
    location: str = ""
    """Root-relative; for 201 and redirects."""
    tag: str | None = None
    """The whole entity tag without quotes; ``None``: the hash of the body; empty: no ETag."""
    tag_prefix: str = ""
    """The draft version of an entry: the tag is then ``<draft version>-<hash of the body>``."""
    language: str = ""
    """``Content-Language``."""
    next_cursor: str | None = None
    """Of a list: makes the ``Link`` header."""
    headers: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    """Of a public one all that it depends on, where a shared cache may keep it and not ask again; empty: it asks."""

    @staticmethod
    def json(value: Any, **more: Any) -> Answer:
        """Return a value as JSON; ``more`` are the fields of an answer."""
        return Answer(body=_encode(value), **more)

    @staticmethod
    def empty(status: int = 204, **more: Any) -> Answer:
        """Return an answer without a body."""
        return Answer(status=status, tag="", **more)

    @staticmethod
    def created(value: Any, location: str, **more: Any) -> Answer:
        """Return 201 with the new thing (JSON bytes, or what is to be JSON) and where it is."""
        body = value if isinstance(value, bytes) else _encode(value)
        return Answer(body=body, status=201, location=location, **more)

    @staticmethod
    def page(items: Sequence[Any], *, next: str | None = None, total: int | None = None, **more: Any) -> Answer:
        """Return a page of a list; items may be ``msgspec.Raw``. The kernel adds the ``Link`` header for ``next``."""
        page: dict[str, Any] = {"items": items, "next": next}
        if total is not None:
            page["total"] = total
        return Answer(body=_encode(page), next_cursor=next, **more)


def created_secret(value: Any, location: str, *, shown: Any) -> Answer:
    """Return 201 with a new thing and what is told of it this once; ``shown`` is what a GET of it answers."""
    return Answer.created(value, location, cache=Cache.SECRET, tag=tag_of(_encode(shown)))
