"""Pages of lists that are newest first and read from the database, as far as a page needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.http.answers import Answer
from maydan.http.paging import check_page

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.http.routing import PageQuery

T = TypeVar("T")


class Fetch(Protocol[T]):  # pyright: ignore[reportInvalidTypeVarUse] - a protocol of one method that returns it
    """Reads items, the newest first."""

    async def __call__(self, *, limit: int, after: str | None, offset: int) -> list[T]:
        """Return items that come after one with that id."""
        ...


async def newest_first(
    call: Call,
    fetch: Fetch[T],
    *,
    key: Callable[[T], str],
    view: Callable[[T], object],
    count: Callable[[], Awaitable[int]],
) -> Answer:
    """Answer one page.

    Args:
        call: Its query is a ``PageQuery``.
        fetch: Reads items.
        key: The id by which items are sorted, descending.
        view: What is shown of an item.
        count: Counts all items, for ``count=exact``.
    Raises:
        BadParameter: ``limit``, ``offset`` or ``count`` cannot be used, or ``cursor`` and ``offset`` come together.
        BadCursor: The cursor is not one of this list.
    """
    query: PageQuery = call.query
    check_page(query)
    secret, fingerprint = call.core.secret, call.url_path.encode()
    after = None if query.cursor is None else str(decode_cursor(secret, fingerprint, query.cursor)[0])
    found = await fetch(limit=query.limit + 1, after=after, offset=query.offset or 0)
    shown = found[: query.limit]
    following = None if len(found) <= query.limit else encode_cursor(secret, fingerprint, [key(shown[-1])])
    total = await count() if query.count else None
    return Answer.page([view(item) for item in shown], next=following, total=total)
