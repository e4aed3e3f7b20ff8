"""Judging, for one actor and a batch of events, what of each may be told; the documents are read once per type."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.access.actions import Action
from maydan.access.decisions import DENIED_DECISION
from maydan.engagement.comments import find_states
from maydan.errors import NotFound
from maydan.events.kinds import SubjectData
from maydan.operations.core import Caller
from maydan.operations.entries.foreseeing import foresee_entries
from maydan.operations.entries.reading import Reading, maps_of
from maydan.operations.entries.views import reading_action
from maydan.operations.scopes import scope_of
from maydan.operations.witnesses import documents_of, read_witness
from maydan.storage.documents import DRAFT, PUBLISHED, TRASH
from maydan.storage.log import read_witnesses
from maydan.storage.sightings import find_sightings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maydan.access.actors import Actor
    from maydan.access.decisions import Decision
    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.engagement.comments import CommentVisibility
    from maydan.events.kinds import EventType
    from maydan.operations.core import Core
    from maydan.operations.scopes import Scope
    from maydan.storage.log import LoggedEvent
    from maydan.storage.sightings import Sighting

_NOTHING: Final[frozenset[str]] = frozenset()
_HIDING: Final = frozenset({"entry.updated", "entry.published", "entry.unpublished", "entry.deleted"})
"""Events by which somebody may lose an entry."""
_UNPUBLISHED: Final = "entry.unpublished"
_APPROVED: Final = "approved"


class Told(Struct, frozen=True):
    """What may be told of an event."""

    type: str
    """Not always the event's own: who loses an entry by an edit is told that it was taken back."""
    data: dict[str, Any]
    draft: bool = False
    """Whether the newest version may be read, and not only what is published."""
    has_entry: bool = False


class TypeSight:
    """What one actor may read of the entries of one type."""

    def __init__(self, scope: Scope) -> None:
        """Decide once for the whole batch."""
        self.scope = scope
        self._read = scope.decide(Action.READ)
        self._draft = scope.decide(Action.READ_DRAFT)
        self._fields: dict[tuple[str, int], frozenset[str]] = {}
        self._names: dict[tuple[str, int], frozenset[str]] = {}
        self._update = DENIED_DECISION if scope.caller.actor.kind == "anonymous" else scope.own(Action.UPDATE)
        self._moderated: set[str] = set()

    async def look(self, ids: Sequence[str], *, has_comments: bool) -> None:
        """Read what there is of the entries now, as far as it matters, for comments on them too or not."""
        judges = has_comments and not self._update.denied and self._update.row is not None
        asked = [
            each for each in (PUBLISHED, DRAFT, TRASH)
            if not self._of(each).denied or (judges and each in self._newest)
        ]  # fmt: skip
        whole = judges or not all(self._of(each).unconditional for each in asked)
        scope = self.scope
        sightings = await find_sightings(scope.core.store, scope.type, scope.space, ids, asked, whole=whole)
        await scope.foresee([seen.document for seen in sightings if seen.document])
        for seen in sightings:
            key, decision = (seen.entry_id, seen.perspective), self._of(seen.perspective)
            fields = decision.fields if decision.unconditional else decision.fields_for(seen.document)
            self._fields[key] = self._fields.get(key, _NOTHING) | fields
            # A name is told of all locales at once, so it must be readable in each.
            self._names[key] = self._names.get(key, fields) & fields
            if judges and self._may_update(seen):
                self._moderated.add(seen.entry_id)

    def _may_update(self, seen: Sighting) -> bool:
        """Judge by the one document by which an update itself is judged."""
        is_judged = seen.perspective in self._newest and seen.document["locale"] == self.scope.space.default_locale
        return is_judged and self._update.permits(seen.document)

    def moderates(self, entry_id: str) -> bool:
        """Tell whether the comments on the entry may be moderated."""
        if self._update.denied or self._update.row is None:
            return not self._update.denied
        return entry_id in self._moderated

    async def recall(self, witnesses: Sequence[str]) -> None:
        """Load what is needed beside witnesses to judge them."""
        if self.scope.goes_through_relations:
            await foresee_entries(self.scope, *(read_witness(witness) for witness in witnesses))

    def _of(self, perspective: int) -> Decision:
        return self._read if perspective == PUBLISHED else self._draft

    def reads(self, entry_id: str) -> bool:
        """Tell whether readers' content of the entry may be read now."""
        return bool(self._fields.get((entry_id, PUBLISHED)))

    def reads_newest(self, entry_id: str) -> bool:
        """Tell whether the newest version of the entry may be read now, in the trash too."""
        return any(self._fields.get((entry_id, each)) for each in self._newest)

    def reads_now(self, entry_id: str) -> bool:
        """Tell whether the entry may be read now, one way or the other, and is not in the trash."""
        return bool(self._fields.get((entry_id, PUBLISHED)) or self._fields.get((entry_id, DRAFT)))

    def names(self, entry_id: str, names: Iterable[str]) -> list[str]:
        """Return those of the names of changed fields that may be known: never a private field's."""
        found = [self._names[key] for each in self._newest if (key := (entry_id, each)) in self._names]
        private = {field.name for field in self.scope.type.fields if field.private}
        return [name for name in names if name not in private and any(name in fields for fields in found)]

    @property
    def _newest(self) -> tuple[int, ...]:
        return (DRAFT, TRASH) if self.scope.type.drafts else (PUBLISHED, TRASH)

    def could_read(self, witness: str | None) -> bool:
        """Tell whether readers' content of the entry could be read until the event."""
        return self._judge(witness, self._read, published=True)

    def could_read_newest(self, witness: str | None) -> bool:
        """Tell whether the newest version could be read until the event."""
        # Of a type without drafts the newest version is what readers have, unless it was in the trash already.
        return self._judge(witness, self._draft, published=False)

    def _judge(self, witness: str | None, decision: Decision, *, published: bool) -> bool:
        if witness is None or decision.denied:
            return False
        documents = documents_of(self.scope.type, self.scope.space, read_witness(witness), published=published)
        return any(decision.permits(document) for document in documents)


class Sight:
    """What one actor may know of a batch of events; made by :func:`look`."""

    def __init__(self, space: Space, snapshot: Snapshot, actor: Actor, kinds: Mapping[str, EventType]) -> None:
        """Begin with nothing seen."""
        self.space = space
        self.kinds = kinds
        self.types: dict[str, TypeSight] = {}
        self.witnesses: dict[int, str] = {}
        self.comments: dict[str, CommentVisibility] = {}
        self._snapshot = snapshot
        self._actor = actor

    def tell(self, event: LoggedEvent) -> Told | None:
        """Return what the actor may know of the event, or ``None``."""
        kind = self.kinds.get(event.type)
        if kind is None:
            return None
        if kind.permission is not None:
            return self._setting(event, kind)
        if event.subject_type == "comment":
            seen = self.types.get(event.data.get("type", ""))
            return self._comment(event, seen) if seen else None
        seen = self.types.get(event.subject_type)
        return self._entry(event, seen) if seen else None

    def _setting(self, event: LoggedEvent, kind: EventType) -> Told | None:
        if kind.permission is None or not self._snapshot.allows(self._actor, kind.permission):
            return None
        data: dict[str, Any] = {"id": event.subject_id}
        if event.version is not None:
            data["version"] = event.version
        # What else the core notes of settings is for the audit; plugins say themselves what they tell.
        return Told(event.type, data if kind.data is SubjectData else data | event.data)

    def _entry(self, event: LoggedEvent, seen: TypeSight) -> Told | None:
        entry_id, witness = event.subject_id, self.witnesses.get(event.position)
        if event.type == "entry.deleted":
            knew = seen.could_read(witness) or seen.could_read_newest(witness) or seen.reads_newest(entry_id)
            return self._gone(event, event.type) if knew else None
        if seen.reads_newest(entry_id):
            return self._shown(event, seen, draft=True)
        if event.type in ("entry.published", _UNPUBLISHED) and seen.reads(entry_id):
            return self._shown(event, seen, draft=False)
        if not seen.reads(entry_id) and seen.could_read(witness):
            return self._gone(event, _UNPUBLISHED)
        return None

    def _shown(self, event: LoggedEvent, seen: TypeSight, *, draft: bool) -> Told:
        data: dict[str, Any] = {"id": event.subject_id, "type": event.subject_type}
        if event.version is not None:
            data["version"] = event.version
        if "locales" in event.data:
            data["locales"] = event.data["locales"]
        data |= {name: event.data[name] for name in ("transition", "from", "to") if name in event.data}
        if draft and "fields" in event.data:
            data["fields"] = seen.names(event.subject_id, event.data["fields"])
        return Told(event.type, data, draft=draft, has_entry=True)

    def _gone(self, event: LoggedEvent, kind: str) -> Told:
        return Told(kind, {"id": event.subject_id, "type": event.subject_type})

    def _comment(self, event: LoggedEvent, seen: TypeSight) -> Told | None:
        entry_id, known = str(event.data["entry"]), self.comments.get(event.subject_id)
        moderates = seen.moderates(entry_id)
        if not (seen.reads_now(entry_id) or (moderates and seen.reads_newest(entry_id))):
            return None
        data: dict[str, Any] = {"id": event.subject_id, "entry": entry_id, "type": event.data["type"]}
        own = known is not None and known.author_id is not None and known.author_id == self._actor.id
        if moderates or own:
            return Told(event.type, {**data, "status": event.data.get("status")})
        if known is not None and known.status == _APPROVED:
            return Told(event.type, {**data, "status": _APPROVED}) if _is_public(event) else None
        if event.type != "comment.created" and event.data.get("was") == _APPROVED:
            return Told("comment.deleted", data)
        return None


def _is_public(event: LoggedEvent) -> bool:
    """Whether the event says nothing of a time when only moderators knew the comment."""
    return event.type not in ("comment.rejected", "comment.spam")


async def look(core: Core, actor: Actor, space: Space, events: Sequence[LoggedEvent]) -> Sight:
    """Read everything by which the events are judged."""
    sight = Sight(space, await core.snapshots.get(space), actor, core.host.event_types(space))
    wanted: defaultdict[str, dict[str, None]] = defaultdict(dict)
    comments: list[str] = []
    commented: set[str] = set()
    for event in events:
        if event.space_key != space.key:
            continue
        if event.subject_type == "comment":
            comments.append(event.subject_id)
            commented.add(str(event.data.get("type", "")))
            wanted[str(event.data.get("type", ""))][str(event.data["entry"])] = None
        elif event.type.startswith("entry."):
            wanted[event.subject_type][event.subject_id] = None
    for name, ids in wanted.items():
        try:
            sight.types[name] = TypeSight(await scope_of(core, Caller(actor=actor), space, name))
        except NotFound:
            continue
        await sight.types[name].look(list(ids), has_comments=name in commented)
    hiding = [event.position for event in events if event.type in _HIDING and event.space_key == space.key]
    sight.witnesses = await read_witnesses(core.store, hiding)
    for name, seen in sight.types.items():
        kept = [sight.witnesses.get(each.position) for each in events if each.subject_type == name]
        await seen.recall([witness for witness in kept if witness])
    sight.comments = await find_states(core.store, space.key, comments)
    return sight


async def entry_bodies(sight: Sight, told: Sequence[Told | None]) -> dict[tuple[str, bool], bytes]:
    """Return the entries as the actor may read them now, by id and whether it is the newest version.

    Localised fields are maps; private fields are never among them.
    """
    wanted: defaultdict[tuple[str, bool], dict[str, None]] = defaultdict(dict)
    for each in told:
        if each is not None and each.has_entry:
            wanted[each.data["type"], each.draft][each.data["id"]] = None
    found: dict[tuple[str, bool], bytes] = {}
    for (name, draft), ids in wanted.items():
        scope = sight.types[name].scope
        decision = scope.decide(reading_action(scope.type) if draft else Action.READ)
        private = {field.name for field in scope.type.fields if field.private}
        fields = tuple(sorted(frozenset(decision.filterable) - private))
        bodies = await maps_of(scope, decision, list(ids), Reading(draft=draft, fields=fields))
        found.update({(entry_id, draft): body for entry_id, body in bodies.items()})
    return found
