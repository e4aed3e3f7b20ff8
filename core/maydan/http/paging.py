"""Pages of short lists that are held in memory, with the same parameters and cursors as the long ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from maydan.content.cursors import decode_cursor, encode_cursor
from maydan.errors import BadParameter, InputError
from maydan.http.answers import Answer

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.http.routing import PageQuery

T = TypeVar("T")
MAX_LIMIT: Final = 100


def page_of(call: Call, items: Sequence[T], *, key: Callable[[T], str], **more: Any) -> Answer:
    """Answer one page of items that are sorted by their key.

    Raises:
        BadParameter: ``limit``, ``offset`` or ``count`` cannot be used, or ``cursor`` and ``offset`` come together.
        BadCursor: The cursor is not one of this list.
    """
    query: PageQuery = call.query
    check_page(query)
    fingerprint = call.url_path.encode()
    left = list(items)
    if query.cursor is not None:
        last: str = decode_cursor(call.core.secret, fingerprint, query.cursor)[0]
        left = [item for item in left if key(item) > last]
    left = left[query.offset or 0 :]
    shown = left[: query.limit]
    is_last = len(left) <= query.limit
    following = None if is_last else encode_cursor(call.core.secret, fingerprint, [key(shown[-1])])
    return Answer.page(shown, next=following, total=len(items) if query.count else None, **more)


def check_page(query: PageQuery) -> None:
    """Refuse page parameters that cannot be used."""
    if not 1 <= query.limit <= MAX_LIMIT:
        raise _refusal("limit", "out_of_range", f"must be from 1 to {MAX_LIMIT}")
    if query.offset is not None and query.offset < 0:
        raise _refusal("offset", "out_of_range", "must not be negative")
    if query.offset is not None and query.cursor is not None:
        raise _refusal("offset", "contradiction", "does not go together with cursor")
    if query.cursor == "":
        raise _refusal("cursor", "empty", "must not be empty")
    if query.count not in (None, "exact"):
        raise _refusal("count", "invalid_choice", "must be exact")


def _refusal(name: str, code: str, message: str) -> BadParameter:
    return BadParameter(f"{name} {message}.", errors=(InputError(name, code, message),))
