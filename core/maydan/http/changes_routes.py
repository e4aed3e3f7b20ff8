"""The change feed of a space: in pages, and as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from maydan.errors import BadParameter, InputError, Unavailable
from maydan.http.answers import Answer
from maydan.http.replies import next_link
from maydan.http.routing import BY_OPERATION, Parameter, Route, StreamQuery, route
from maydan.http.streams import Stream
from maydan.http.streams_frames import HEARTBEAT, mark
from maydan.operations.changes import ChangePage, Follower, Wanted, list_changes
from maydan.operations.core import Caller
from maydan.operations.scopes import scope_of
from maydan.storage.log import last_position

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.http.streams_outlet import Outlet

_LAST_EVENT_ID: Final = "last-event-id"
_MOST_DIGITS: Final = 19
_LIMIT: Final = 25
_LONGEST_NAME: Final = 100


class ChangesQuery(StreamQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which changes, and from where on."""

    since: Annotated[int, Meta(ge=0)] | None = None
    """Position of the last change that the caller knows; 0 is the start, where a page begins by default. A stream
    begins with what comes."""
    limit: Annotated[int, Meta(ge=1, le=100)] | None = None
    """Changes on a page, by default 25; a stream ends after as many."""
    events: tuple[str, ...] = ()
    """Only these kinds, such as ``entry.published``."""
    types: tuple[str, ...] = ()
    """Only about entries of these content types, and about their comments."""


@route(
    "GET", "/api/spaces/{space}/changes", permission=BY_OPERATION, query=ChangesQuery, answer=ChangePage, stream=True,
    errors=(429,), tags=("changes",),
    headers=(Parameter(name="Last-Event-ID", description="As `since`, for a stream that goes on; goes before it.",
                       schema={"type": "string", "pattern": "^[0-9]{1,19}$"}),),
)  # fmt: skip
async def list_changes_route(call: Call) -> Answer | Stream:
    """List what happened in the space, oldest first, as far as the caller may know of it.

    With `Accept: text/event-stream` the same changes as server-sent events, and new ones as they happen: `id` is the
    position, `event` the kind, `data` the change.
    """
    query: ChangesQuery = call.query
    last = _last_event_id(call)
    wanted = await _wanted(call, query)
    if call.wants_stream:
        since = query.since if last is None else last
        # Before the answer begins: whoever has its head misses nothing that is done from there on.
        end = await last_position(call.core.store)
        # Nobody knows more than has happened: what comes is told, whatever number they say.
        feed = _Feed(call, wanted, end if since is None else min(since, end))
        return Stream(produce=feed.produce, on_caller=feed.on_caller, heartbeat=feed.heartbeat)
    since = query.since or 0
    page = await list_changes(call.core, call.actor, call.space, wanted, since=since, limit=query.limit or _LIMIT)
    headers = () if page.next is None else (("Link", next_link(call, page.next, parameter="since")),)
    return Answer.json(page, headers=headers)


def _last_event_id(call: Call) -> int | None:
    """Return the position in ``Last-Event-ID``; an empty one is none (HTML Living Standard, section 9.2.4).

    Raises:
        BadParameter: It is no position.
    """
    text = call.header(_LAST_EVENT_ID)
    if not text or not call.wants_stream:
        return None
    if len(text) > _MOST_DIGITS or not (text.isascii() and text.isdigit()) or int(text) >= 2**63:
        raise BadParameter("Last-Event-ID must be the id of a change.")
    return int(text)


async def _wanted(call: Call, query: ChangesQuery) -> Wanted:
    """Read the filters; a type that is unknown and one that the caller may not see are the same mistake."""
    kinds = call.core.host.event_types(call.space)
    errors = [_unknown("events", name, "event") for name in query.events if name not in kinds]
    caller = Caller(actor=call.actor)
    for name in query.types:
        found = await call.core.registry.find_type(call.space, name)
        if found is None or not (await scope_of(call.core, caller, call.space, name)).may_anything:
            errors.append(_unknown("types", name, "content type"))
    if errors:
        raise BadParameter(f"{errors[0].pointer}: {errors[0].message}.", errors=tuple(errors))
    return Wanted(events=frozenset(query.events), types=frozenset(query.types))


def _unknown(parameter: str, name: str, kind: str) -> InputError:
    return InputError(parameter, "unknown_value", f"there is no {kind} {name[:_LONGEST_NAME]} here")


class _Feed:
    """One stream of the feed."""

    def __init__(self, call: Call, wanted: Wanted, since: int) -> None:
        self._call = call
        self._since = since
        self._follower = Follower(call.actor, call.space, wanted, call.query.limit or -1)
        self._marked = 0

    async def produce(self, outlet: Outlet) -> None:
        """Write the changes."""
        self._follower.give = outlet.offer
        await self._call.around.feed.serve(self._follower, self._since, outlet.put)
        if self._follower.has_failed:
            raise Unavailable("Changes cannot be judged at the moment.")

    def on_caller(self, caller: Caller) -> None:
        """Judge by the rights of now."""
        self._follower.actor = caller.actor

    def heartbeat(self) -> bytes:
        """Return a comment, with the position where it moved, so that a client that comes back need not begin early."""
        position = self._follower.position
        if not self._follower.is_current or position == self._marked:
            return HEARTBEAT
        self._marked = position
        return HEARTBEAT + mark(str(position))


ROUTES: Final[tuple[Route, ...]] = (list_changes_route,)
