"""The audit: who did what, kept in chains that cannot be changed unnoticed, as far as its readers may know."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.clock import to_text
from maydan.content.diffs import json_patch
from maydan.errors import NotFound
from maydan.events.audit import INSTANCE, AuditRow, Changed, Details, digest_of, encode_details, read_details, sealed
from maydan.events.audit_rows import append_statements, find_head, known_positions
from maydan.storage.versions import find_bodies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.events.audit_rows import Head
    from maydan.operations.core import Caller, Core
    from maydan.storage.log import LoggedEvent
    from maydan.storage.ports import Statement

_OF_INSTANCE: Final = frozenset({"space.created", "space.deleted"})
"""Of a space, but noted where they can be read when the space is gone."""
_WITH_CHANGES: Final = frozenset({"entry.created", "entry.updated"})
Bodies = dict[tuple[str, int], dict[str, Any]]


class AuditView(Struct, frozen=True, kw_only=True):
    """One row as a reader gets it."""

    id: str
    """The event's position in the log."""
    seq: int
    """Its number in the chain."""
    type: str
    """What happened, such as ``entry.updated``."""
    subject_type: str
    subject: str
    """Id of what it happened to."""
    version: int | None
    """Of the subject, from then on; its values are among the versions of the entry."""
    actor: str | None
    """Id of the account; ``null`` for the system, for nobody in particular, and where it was erased."""
    time: str
    request_id: str | None
    data: dict[str, Any]
    changes: list[Changed]
    """Places that were changed, in fields that the reader may read."""
    is_erased: bool
    """Whether what named people was blanked; the chain still holds."""
    previous: str
    hash: str


class AuditTrail:
    """The subscriber that writes the audit; once per event, whatever happens."""

    name = "audit"

    def __init__(self, core: Core) -> None:
        """Write to the core's store."""
        self._core = core

    async def handle(self, event: LoggedEvent) -> None:
        """Add one event."""
        await self.handle_all((event,))

    async def handle_all(self, events: Sequence[LoggedEvent]) -> None:
        """Add events that are not there yet, in their order, in one transaction.

        Raises:
            GuardFailed: Another worker added to a chain at the same moment; try again.
        """
        store = self._core.store
        known = await known_positions(store, [event.position for event in events])
        chains: defaultdict[int, list[LoggedEvent]] = defaultdict(list)
        for event in events:
            if event.position not in known:
                chains[_chain_of(event)].append(event)
        if not chains:
            return
        spaces = {event.space_key for event in events if event.space_key is not None}
        bodies = await find_bodies(store, spaces, _wanted_bodies(events))
        heads: list[Statement] = []
        rows: list[Statement] = []
        for chain, fresh in sorted(chains.items()):
            head = await find_head(store, chain)
            moved, added = append_statements(head, self._linked(head, fresh, bodies))
            heads.append(moved)
            rows.append(added)
        await store.commit([*heads, *rows])

    def _linked(self, head: Head, events: Sequence[LoggedEvent], bodies: Bodies) -> list[AuditRow]:
        """Make the rows that follow the end of their chain."""
        rows: list[AuditRow] = []
        seq, previous = head.seq, head.hash
        for event in events:
            seq += 1
            row = _row_of(event, seq, previous, self._changes(event, bodies))
            rows.append(row)
            previous = row.hash
        return rows

    def _changes(self, event: LoggedEvent, bodies: Bodies) -> list[Changed]:
        """Return the places that the event changed, by name; of secret fields only that they were."""
        if event.type not in _WITH_CHANGES or event.version is None:
            return []
        before = bodies.get((event.subject_id, event.version - 1), {})
        after = bodies.get((event.subject_id, event.version), {})
        names = self._names(event)
        changes = [_named(operation, names) for operation in json_patch(before, after)] if after else []
        told = {_top(change.path) for change in changes}
        rest = [name for name in event.data.get("fields", ()) if name not in told]
        return [*changes, *(Changed("replace", f"/{name}") for name in rest)]

    def _names(self, event: LoggedEvent) -> Mapping[str, str]:
        space = self._core.registry.space_by_key(event.space_key or 0)
        found = None if space is None else self._core.registry.cached_type(space, event.subject_type)
        return {} if found is None else {field.id: field.name for field in found.fields}


def _chain_of(event: LoggedEvent) -> int:
    return INSTANCE if event.space_key is None or event.type in _OF_INSTANCE else event.space_key


def _wanted_bodies(events: Sequence[LoggedEvent]) -> list[tuple[str, int]]:
    wanted: list[tuple[str, int]] = []
    for event in events:
        if event.type in _WITH_CHANGES and event.version is not None:
            wanted += [(event.subject_id, event.version), (event.subject_id, event.version - 1)]
    return wanted


def _row_of(event: LoggedEvent, seq: int, previous: str, changes: list[Changed]) -> AuditRow:
    data = {name: value for name, value in event.data.items() if name != "fields" or event.type not in _WITH_CHANGES}
    details = encode_details(Details(actor_id=event.actor_id, data=data, changes=changes))
    row = AuditRow(
        chain=_chain_of(event), seq=seq, position=event.position, type=event.type, subject_type=event.subject_type,
        subject_id=event.subject_id, version=event.version, actor_id=event.actor_id, at=event.at,
        request_id=event.request_id, details=details, digest=digest_of(details), previous=previous,
    )  # fmt: skip
    return sealed(row)


def _top(path: str) -> str:
    return path.removeprefix("/").partition("/")[0]


def _named(operation: dict[str, Any], names: Mapping[str, str]) -> Changed:
    """Return an operation with the name of the field in the place of its id, and without the value."""
    path: str = operation["path"]
    _, top, *rest = path.split("/")
    return Changed(operation["op"], "/".join(["", names.get(top, top), *rest]))


class Viewer:
    """Somebody who reads the audit of a space, or of the instance."""

    def __init__(self, core: Core, caller: Caller, space: Space | None) -> None:
        """Look for this caller; ``space`` is ``None`` for the instance."""
        self._core = core
        self._caller = caller
        self._space = space
        self._snapshot: Snapshot | None = None
        self._readable: dict[str, frozenset[str]] = {}

    async def prepare(self) -> None:
        """Read the policies of now, before the first row is viewed."""
        if self._space is not None:
            self._snapshot = await self._core.snapshots.get(self._space)

    def view(self, row: AuditRow) -> AuditView:
        """Return the row without the names of fields that the reader may not read."""
        details = read_details(row) or Details(actor_id=None)
        changes = details.changes
        if changes:
            readable = self._fields(row.subject_type)
            changes = [change for change in changes if _top(change.path) in readable]
        return AuditView(
            id=str(row.position), seq=row.seq, type=row.type, subject_type=row.subject_type, subject=row.subject_id,
            version=row.version, actor=row.actor_id, time=to_text(row.at),
            request_id=row.request_id or None, data=details.data, changes=changes, is_erased=row.details is None,
            previous=row.previous, hash=row.hash,
        )  # fmt: skip

    def _fields(self, type_name: str) -> frozenset[str]:
        if type_name not in self._readable:
            self._readable[type_name] = self._find_fields(type_name)
        return self._readable[type_name]

    def _find_fields(self, type_name: str) -> frozenset[str]:
        """Return the fields that the reader may read in every entry of the type, drafts too."""
        space, snapshot = self._space, self._snapshot
        found = None if space is None else self._core.registry.cached_type(space, type_name)
        if snapshot is None or found is None:
            return frozenset()
        decision = snapshot.decide(self._caller.actor, Action.READ_DRAFT, found)
        readable = {name for name, condition in decision.filterable.items() if condition is None}
        if not readable:
            return frozenset()
        writing = snapshot.decide(self._caller.actor, Action.UPDATE, found)
        return frozenset(readable) | (_secrets(found) & writing.fields)


def _secrets(content_type: ContentType) -> frozenset[str]:
    return frozenset(field.name for field in content_type.fields if field.kind == "secret")


def read_position(text: str) -> int:
    """Return the position that an id in a path names.

    Raises:
        NotFound: It names none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound
    return int(text)
