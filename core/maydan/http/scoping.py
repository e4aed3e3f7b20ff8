"""From a path with a space and a content type to the scope that operations on entries start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.operations.scopes import scope_of

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.operations.scopes import Scope


async def scope(call: Call) -> Scope:
    """Return the caller before the ``{type}`` of the path.

    Raises:
        NotFound: The space has no such type.
    """
    return await scope_of(call.core, call.caller, call.space, call.path["type"])
