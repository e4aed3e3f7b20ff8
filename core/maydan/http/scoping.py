"""From a path with a space and a content type to the scope that operations on entries start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from maydan.errors import NotFound, Unauthenticated
from maydan.operations.scopes import scope_of

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.operations.scopes import Scope


async def scope(call: Call) -> Scope:
    """Return the caller before the ``{type}`` of the path.

    Nobody learns without logging in which types there are beside those that everybody may do something with.

    Raises:
        NotFound: The space has no such type, or none that nobody in particular may do anything with.
        Unauthenticated: The same, where something is to be changed.
    """
    is_nobody = call.actor.kind == "anonymous" and not _has_link(call)
    try:
        found = await scope_of(call.core, call.caller, call.space, call.path["type"])
    except NotFound:
        if is_nobody:
            _refuse(call)
        raise
    if is_nobody and not found.may_anything:
        _refuse(call)
    return found


def _has_link(call: Call) -> bool:
    """Tell whether the caller has a link, which may open what nobody sees."""
    return any(getattr(call.query, name, None) for name in ("share", "preview"))


def _refuse(call: Call) -> NoReturn:
    if call.route.method == "GET":
        raise NotFound
    raise Unauthenticated("Log in first.")
