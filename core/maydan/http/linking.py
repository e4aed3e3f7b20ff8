"""From a request with ``?share=`` to the scope that its link gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.http.routing import Parameter
from maydan.http.scoping import scope
from maydan.operations.shares import open_link

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.operations.scopes import Scope

SHARE_PASSWORD: Final = Parameter(name="Share-Password", description="The password of the link in `share`.")


async def linked_scope(call: Call) -> tuple[Scope, str]:
    """Return the caller before the ``{type}`` of the path, with what a link in the query adds, and the entry to act on.

    Raises:
        NotFound: There is no such type, or the link does not lead to the entry in the path.
        Unauthenticated, TooManyRequests: The link's password.
    """
    scoped, entry = await scope(call), call.path["entry"]
    if call.query.share is None:
        return scoped, entry
    password = call.headers.get(b"share-password")
    return await open_link(
        scoped, entry, call.query.share, address=call.address,
        password=None if password is None else password.decode("utf-8", "replace"),
    )  # fmt: skip
