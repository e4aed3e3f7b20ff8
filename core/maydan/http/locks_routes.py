"""Edit locks over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from maydan.access.actions import Action
from maydan.http.answers import Answer
from maydan.http.entries_bodies import body_of
from maydan.http.routing import BY_OPERATION, Route, route
from maydan.http.scoping import scope
from maydan.operations import locks
from maydan.operations.locks import LockView

if TYPE_CHECKING:
    from maydan.http.call import Call

_LOCK: Final = "/api/spaces/{space}/content/{type}/{entry}/lock"


class LockInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to lock."""

    ttl: Annotated[int, Meta(ge=10, le=86_400)] = locks.DEFAULT_S
    """Seconds from now."""
    take_over: bool = False
    """Take the lock from somebody else; for who may ``manage:space``."""


@route("GET", _LOCK, permission=BY_OPERATION, answer=LockView, errors=(401, 403, 404), tags=("entries",))
async def get_lock(call: Call) -> Answer:
    """Get the edit lock of an entry that you may update; 404 where nobody holds it."""
    return Answer.json(await locks.get_lock(await scope(call), call.path["entry"]))


@route(
    "POST", _LOCK, permission=BY_OPERATION, body=LockInput, body_required=False, answer=LockView,
    errors=(401, 403, 404, 409, 422, 503), tags=("entries",),
)  # fmt: skip
async def lock_entry(call: Call) -> Answer:
    """Take the edit lock of an entry, or renew your own: until it expires, a write by others is 409 `locked`."""
    scoped, entry = await scope(call), call.path["entry"]
    given = await body_of(call, scoped, entry, Action.UPDATE, LockInput)
    view = await locks.lock(scoped, entry, duration_s=given.ttl, take_over=given.take_over)
    return Answer.json(view)


@route("DELETE", _LOCK, permission=BY_OPERATION, status=204, errors=(401, 403, 404), tags=("entries",))
async def unlock_entry(call: Call) -> Answer:
    """Free an entry that you have locked, or any as who may manage the space."""
    await locks.unlock(await scope(call), call.path["entry"])
    return Answer.empty()


ROUTES: Final[tuple[Route, ...]] = (get_lock, lock_entry, unlock_entry)
