"""The change feed: what happened in a space, as far as somebody may know, in pages and as it comes."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from maydan.access.conditions import VARIABLES
from maydan.operations.event_views import CloudEvent, event_views
from maydan.storage.log import read_after

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.operations.core import Core
    from maydan.storage.log import LoggedEvent

_BATCH: Final = 200
_MOST_SCANNED: Final = 1000
"""Events that one request looks at; where the caller may know few of them, its page is short."""
_MOST_HELD: Final = 10_000
"""Events that may come while a follower still reads old ones."""

_COMMENT: Final = "comment"
Put = Callable[[bytes], Awaitable[bool]]
_log: Final = logging.getLogger("maydan.operations")


class Wanted(Struct, frozen=True, kw_only=True):
    """Which changes somebody wants; nothing named is all."""

    events: frozenset[str] = frozenset()
    """Such as ``entry.published``."""
    types: frozenset[str] = frozenset()
    """Content types."""

    def admits(self, view: CloudEvent) -> bool:
        """Tell whether it is one of them."""
        return (not self.events or view.type in self.events) and (not self.types or view.data.get("type") in self.types)


class ChangePage(Struct, frozen=True, kw_only=True):
    """Changes, oldest first."""

    items: list[CloudEvent]
    next: str | None
    """The ``since`` of the next page."""


async def list_changes(core: Core, actor: Actor, space: Space, wanted: Wanted, *, since: int, limit: int) -> ChangePage:
    """Return the changes after a position of which the actor may know."""
    items: list[CloudEvent] = []
    scanned, position = 0, since
    while scanned < _MOST_SCANNED:
        events = await read_after(core.store, position, _BATCH, space.key)
        views = await event_views(core, actor, space, events)
        for view in views:
            if view is None or not wanted.admits(view):
                continue
            if len(items) == limit:
                return ChangePage(items=items, next=items[-1].id)
            items.append(view)
        if len(events) < _BATCH:
            return ChangePage(items=items, next=None)
        scanned += len(events)
        position = events[-1].position
    return ChangePage(items=items, next=str(position))


class Follower:
    """Somebody who is told of changes as they come."""

    def __init__(self, actor: Actor, space: Space, wanted: Wanted, limit: int = -1) -> None:
        """Describe who wants what.

        Args:
            actor: By whose rights; may be replaced at any time.
            space: Where.
            wanted: Which changes.
            limit: How many; negative: no end.
        """
        self.actor = actor
        self.space = space
        self.wanted = wanted
        self.position = 0
        """Everything up to here was given or passed over."""
        self.give: Callable[[bytes], bool] = _nobody
        """Takes one encoded change without waiting; False when nobody takes it any more."""
        self.ended = asyncio.Event()
        """Set when nothing more will come."""
        self.has_failed = False
        self._left = limit
        self._held: list[bytes] | None = []

    @property
    def is_current(self) -> bool:
        """Whether old changes were given and new ones come as they happen."""
        return self._held is None

    def offer(self, view: CloudEvent, encoded: bytes) -> None:
        """Give a change, or keep it until the old ones were given."""
        if self.ended.is_set() or not self.wanted.admits(view):
            return
        if self._held is None:
            self._pass_on(encoded)
        elif len(self._held) < _MOST_HELD:
            self._held.append(encoded)
        else:
            self.fail()

    def release(self) -> None:
        """Give what was kept."""
        held, self._held = self._held or [], None
        for encoded in held:
            self._pass_on(encoded)

    def fail(self) -> None:
        """Give nothing more, because a change would be missing."""
        self.has_failed = True
        self.ended.set()

    def count(self) -> bool:
        """Count one change that is given; False when the follower has enough."""
        if self._left == 0:
            return False
        self._left -= 1
        if self._left == 0:
            self.ended.set()
        return True

    def _pass_on(self, encoded: bytes) -> None:
        if self.count() and not self.give(encoded):
            self.ended.set()


def _nobody(_encoded: bytes) -> bool:
    return False


class ChangeFeed:
    """Tells followers of changes: the log is read once for all, and judged once for all who have the same rights."""

    def __init__(self, core: Core, encode: Callable[[CloudEvent], bytes]) -> None:
        """Serve this process; ``encode`` makes what followers are given."""
        self._core = core
        self._encode = encode
        self._followers: set[Follower] = set()
        self._joining = asyncio.Lock()
        self._stop: Callable[[], None] | None = None

    async def serve(self, follower: Follower, since: int, put: Put) -> None:
        """Tell a follower what happened after a position, and go on until it has enough or this is cancelled.

        Args:
            follower: Who is told.
            since: The position; 0 is the start.
            put: Takes one encoded change as soon as there is room for it; for old ones, which can wait in the log.
        """
        position = await self._catch_up(follower, since, put)
        try:
            reached = await self._join(follower, position)
            # What came between the last look and the joining; from there on changes are held, so none comes too early.
            if reached > position:
                await self._catch_up(follower, position, put, until=reached)
            follower.release()
            await follower.ended.wait()
        finally:
            self._leave(follower)

    async def _join(self, follower: Follower, position: int) -> int:
        """Begin to offer new changes; returns the position after which they are."""
        async with self._joining:
            if self._stop is None:
                self._stop = await self._core.tail.listen(self._hand)
        reached = self._core.tail.position
        follower.position = max(position, reached)
        self._followers.add(follower)
        return reached

    def _leave(self, follower: Follower) -> None:
        self._followers.discard(follower)
        if not self._followers and self._stop is not None:
            self._stop()
            self._stop = None

    async def _catch_up(self, follower: Follower, position: int, put: Put, *, until: int | None = None) -> int:
        """Give old changes, as fast as they are taken; returns how far the log was read."""
        core, space = self._core, follower.space
        while not follower.ended.is_set():
            events = await read_after(core.store, position, _BATCH, space.key)
            if until is not None:
                events = [event for event in events if event.position <= until]
            for view in await event_views(core, follower.actor, space, events) if events else ():
                if view is None or not follower.wanted.admits(view):
                    continue
                if follower.count() and not await put(self._encode(view)):
                    follower.ended.set()
            if len(events) < _BATCH:
                return events[-1].position if events else position
            position = events[-1].position
        return position

    async def _hand(self, events: Sequence[LoggedEvent]) -> None:
        """Offer new events to all followers; what the log's tail calls."""
        by_space: defaultdict[int, list[LoggedEvent]] = defaultdict(list)
        for event in events:
            if event.space_key is not None:
                by_space[event.space_key].append(event)
        # Who joins from here on has these events in what it reads itself.
        followers: defaultdict[int, list[Follower]] = defaultdict(list)
        for follower in self._followers:
            followers[follower.space.key].append(follower)
        for space_key, group in followers.items():
            if not by_space[space_key]:
                continue
            try:
                await self._tell(by_space[space_key], group)
            except Exception:  # noqa: BLE001 - whatever it is, their clients come back and ask from where they were
                _log.exception("Changes could not be judged for %s streams, which end.", len(group))
                for follower in group:
                    follower.fail()

    async def _tell(self, events: Sequence[LoggedEvent], followers: Sequence[Follower]) -> None:
        """Judge the events of one space once for all who have the same rights, and offer them."""
        space = self._core.registry.space_by_key(followers[0].space.key) or followers[0].space
        snapshot = await self._core.snapshots.get(space)
        rights = _Rights(snapshot, is_personal=any(event.subject_type == _COMMENT for event in events))
        groups: defaultdict[Hashable, list[Follower]] = defaultdict(list)
        for follower in followers:
            groups[rights.of(follower.actor)].append(follower)
        for group in groups.values():
            self._offer(group, events, await event_views(self._core, group[0].actor, space, events))

    def _offer(
        self, group: Sequence[Follower], events: Sequence[LoggedEvent], views: Sequence[CloudEvent | None]
    ) -> None:
        for event, view in zip(events, views, strict=True):
            encoded = b"" if view is None else self._encode(view)
            for follower in group:
                if event.position <= follower.position:
                    continue
                follower.position = event.position
                if view is not None:
                    follower.offer(view, encoded)


class _Rights:
    """What actors have in common to whom the same may be told."""

    def __init__(self, snapshot: Snapshot, *, is_personal: bool) -> None:
        """Compare by a snapshot.

        Args:
            snapshot: The policies of the space.
            is_personal: Whether it matters who somebody is, as with comments, of which their authors know more.
        """
        self._snapshot = snapshot
        self._is_personal = is_personal
        self._known: dict[frozenset[str], bool] = {}

    def of(self, actor: Actor) -> Hashable:
        """Return the same for actors with the same rights."""
        roles = self._snapshot.effective_roles(actor)
        if roles not in self._known:
            policies = self._snapshot.policies_of(roles)
            self._known[roles] = self._is_personal or any(_names_actor(policy.condition) for policy in policies)
        return roles, actor.kind == "system", actor.scope, actor.id if self._known[roles] else None


def _names_actor(written: object) -> bool:
    """Tell whether a condition, as it is written in a policy, names who asks."""
    if isinstance(written, dict):
        return any(_names_actor(value) for value in cast("dict[str, object]", written).values())
    if isinstance(written, (list, tuple)):
        return any(_names_actor(value) for value in cast("Sequence[object]", written))
    return isinstance(written, str) and written in VARIABLES
