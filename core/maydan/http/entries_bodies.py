"""The bodies of what writes entries: what is wrong with one is told after all that comes before a 422."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from maydan.errors import InvalidInput, Stale
from maydan.operations import entries
from maydan.operations.entries.loading import load

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.operations.scopes import Scope

T = TypeVar("T")


async def body_of(call: Call, scoped: Scope, entry: str, action: str, wanted: type[T]) -> T:
    """Return the body of what is done with an entry.

    Raises:
        NotFound, Unauthenticated, Forbidden, PreconditionRequired, Stale: Instead of ``InvalidInput``, where the
            action would be refused whatever the body is.
        InvalidInput: Something is wrong with it.
    """
    try:
        return call.body(wanted)
    except InvalidInput:
        found = await load(scoped, action, entry)
        if call.route.if_match:
            call.require_version(found.version)
        raise


async def body_to_put(call: Call, scoped: Scope, entry: str) -> dict[str, Any]:
    """Return the body of what replaces an entry, or creates it; raises as :func:`body_of`."""
    try:
        return call.body()
    except InvalidInput as refusal:
        problem = refusal

    def refuse(version: int) -> NoReturn:
        call.require_version(version)
        raise problem

    try:
        # Whatever is there meets no such precondition, and what is not there must be: nothing is stored.
        await entries.put(scoped, entry, {}, precondition=refuse, must_exist=True)
    except Stale:
        if call.header("if-match") is not None:
            raise
    raise problem
