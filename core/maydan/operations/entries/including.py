"""Includes: puts the entries that relations point at in the place of their ids.

It goes level by level: all ids of a level are collected first, and the entries of one type are read by one statement,
so the number of statements depends on the paths alone; where only some of a relation's targets are wanted, or all in an
order, one more for each path and type says which (:mod:`~maydan.operations.entries.ranking`). A target that nothing is
replaced in goes into the answer as the bytes that are stored, where the caller may read all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Raw, Struct, structs

from maydan.content.conditions import refuse
from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields
from maydan.content.includes import Portion
from maydan.content.per_type import PerType
from maydan.content.render import project, with_private
from maydan.content.types import ContentType, Field, Kind
from maydan.operations.entries.ranking import in_order, ranks, where_behind
from maydan.operations.entries.reaching import Perspective, decision_on
from maydan.operations.entries.views import MAPS, decode, encode, whole_document
from maydan.storage.document_queries import find_documents

if TYPE_CHECKING:
    from maydan.operations.entries.ranking import Ranks
    from maydan.operations.scopes import Scope

MOST_INCLUDED: Final = 10_000
"""Entries that the relations of one answer bring, counted as often as they stand in it."""

MOST_RANKED: Final = 100_000
"""Entries that the portions of one level are chosen from."""

_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_value: Final = msgspec.json.decode


class Branch(Struct, kw_only=True):
    """What is to be done at one name of the include paths: which names go on from it, and what is shown of targets."""

    names: dict[str, Branch] = {}
    fields: set[str] | None = None
    """Of the entries that stand here; ``None`` is all that may be read."""
    portion: Portion | None = None
    """Which of the entries that a relation to many leads to; ``None`` is all, in the relation's order."""

    def shown(self, allowed: frozenset[str]) -> frozenset[str]:
        """Return the members of an entry that stands here: what is included is shown too, and the id always."""
        return allowed if self.fields is None else allowed & {"id", *self.fields, *self.names}


def branch_of(
    include: Sequence[tuple[str, ...]], fields: Sequence[str] | None, portions: Sequence[Portion] = ()
) -> Branch:
    """Return the tree of the paths, with the fields that are asked for in each place (``title,author.name``)."""
    root = Branch(names={})
    wanted = {portion.path: portion for portion in portions}
    for path in include:
        place = root
        for name in path:
            place = place.names.setdefault(name, Branch(names={}))
        place.portion = wanted.get(path)
    for name in fields or ():
        *path, last = name.split(".")
        place = root
        for step in path:
            place = place.names[step]
        place.fields = {*(place.fields or ()), last}
    return root


def opened(body: str) -> dict[str, Any]:
    """Read a document only as far as needed: its members stay the bytes that they are."""
    return cast("dict[str, Any]", _members(body))


class _Node:
    """An entry of the answer whose relations are to be replaced."""

    __slots__ = ("branch", "count", "document", "type")

    def __init__(self, content_type: ContentType, document: dict[str, Any], branch: Branch, count: int = 0) -> None:
        self.type = content_type
        self.document = document
        self.branch = branch
        self.count = count
        """How often it stands in the answer."""


class _Slot(Struct, frozen=True):
    """A relation whose ids are to be replaced."""

    members: dict[str, Any]
    """The document or component that it stands in."""
    field: Field
    ids: list[str]
    branch: Branch
    count: int


_Fields = Mapping[str, Field]


def _by_name(content_type: ContentType) -> _Fields:
    return {field.name: field for field in content_type.fields}


_fields_of: Final = PerType(_by_name)


async def include(scope: Scope, documents: Sequence[dict[str, Any]], branch: Branch, perspective: Perspective) -> None:
    """Replace the ids in documents of the scope's type by what they point at; the documents are changed.

    Args:
        scope: Who reads, where, of which type.
        documents: Of the entries, by names; members may be bytes of JSON still (:func:`opened`).
        branch: What to replace.
        perspective: How the targets are looked at.
    Raises:
        BadParameter: There are more targets than one answer may have.
    """
    nodes = [_Node(scope.type, document, branch, 1) for document in documents]
    total = 0
    while nodes:
        level = _Level(scope, perspective)
        slots = await level.choose([slot for node in nodes for slot in _slots_of(node, perspective)])
        total += sum(level.size(slot) * slot.count for slot in slots)
        if total > MOST_INCLUDED:
            raise refuse("include", "too_many", f"leads to more than {MOST_INCLUDED} entries; ask for smaller pages")
        await level.load(slots)
        for slot in slots:
            level.fill(slot)
        nodes = level.next


def _slots_of(node: _Node, perspective: Perspective) -> Iterator[_Slot]:
    return _slots(_fields_of(node.type), node.document, node.branch, node.count, maps=perspective.locale == MAPS)


def _slots(fields: _Fields, members: dict[str, Any], branch: Branch, count: int, *, maps: bool) -> Iterator[_Slot]:
    """Find the relations that a branch names, those in components and blocks too."""
    for name, inner in branch.names.items():
        field = fields.get(name)
        if field is None or name not in members:
            continue
        value = members[name]
        if isinstance(value, Raw):
            value = members[name] = _value(value)
        if not value:
            continue
        if field.kind is Kind.RELATION:
            ids = cast("list[str]", value) if field.many else [value]
            yield _Slot(members, field, ids, inner, count)
            continue
        for one in value.values() if maps and field.localized else (value,):
            for item in cast("list[Any]", one) if isinstance(one, list) else (one,):
                yield from _slots(_inner_fields(field, item), item, inner, count, maps=False)


def _inner_fields(field: Field, item: dict[str, Any]) -> _Fields:
    blocks = block_fields(field)
    fields = blocks.get(item[BLOCK_NAME], ()) if blocks else inner_fields(field)
    return {one.name: one for one in fields}


def _by_type(slots: Sequence[_Slot]) -> dict[str, dict[str, None]]:
    """Return the ids that the slots may point at in each type."""
    wanted: dict[str, dict[str, None]] = {}
    for slot in slots:
        for name in slot.field.to:
            wanted.setdefault(name, {}).update(dict.fromkeys(slot.ids))
    return wanted


class _Level:
    """The targets of one level: read by type, shown as often as they are pointed at."""

    def __init__(self, scope: Scope, perspective: Perspective) -> None:
        self._scope = scope
        self._perspective = perspective
        self._sources: dict[str, _Source] = {}
        self._nodes: dict[tuple[str, str, int], _Node | None] = {}
        self._leaves: dict[tuple[int, tuple[str, ...]], _Leaves] = {}
        self.next: list[_Node] = []
        """The targets in which something is to be replaced too."""

    async def choose(self, slots: list[_Slot]) -> list[_Slot]:
        """Leave in each slot the ids that its portion wants, in their order; a statement for each path and type."""
        groups: dict[int, list[_Slot]] = {}
        for slot in slots:
            if slot.field.many and slot.branch.portion is not None:
                groups.setdefault(id(slot.branch), []).append(slot)
        if not groups:
            return slots
        if sum(len(slot.ids) for group in groups.values() for slot in group) > MOST_RANKED:
            raise refuse("include", "too_many", f"has more than {MOST_RANKED} entries to choose from")
        chosen: dict[int, _Slot] = {}
        for group in groups.values():
            for slot, ids in zip(group, await self._chosen(group), strict=True):
                chosen[id(slot)] = structs.replace(slot, ids=ids)
        return [chosen.get(id(slot), slot) for slot in slots]

    async def _chosen(self, group: Sequence[_Slot]) -> Iterator[list[str]]:
        """Work out the ids of slots that have one portion in common."""
        portion = cast("Portion", group[0].branch.portion)
        ranks: Ranks = {}
        for name, ids in _by_type(group).items():
            source = await self._source(name)
            if source is not None:
                ranks.update(await source.ranks(portion, list(ids)))
        # Maps show fewer entries than one locale does, so their number is limited when they are known.
        limit = None if self._perspective.locale == MAPS else portion.limit
        return (in_order(slot.ids, ranks, portion)[:limit] for slot in group)

    def size(self, slot: _Slot) -> int:
        """Return how many entries a slot may bring."""
        limit = slot.branch.portion.limit if slot.branch.portion is not None and slot.field.many else None
        return len(slot.ids) if limit is None else min(len(slot.ids), limit)

    async def load(self, slots: Sequence[_Slot]) -> None:
        """Read all that the slots point at, with one statement for each type."""
        for name, ids in _by_type(slots).items():
            source = await self._source(name)
            if source is not None:
                await source.load(list(ids))

    async def _source(self, name: str) -> _Source | None:
        if name not in self._sources:
            found = await self._scope.core.registry.find_type(self._scope.space, name)
            if found is None:
                return None
            self._sources[name] = _Source(self._scope.beside(found), self._perspective)
        return self._sources[name]

    def fill(self, slot: _Slot) -> None:
        """Put what is found in the place of the ids."""
        find = self._leaf_of(slot) if not slot.branch.names else partial(self._node_of, slot)
        if slot.branch.portion is None:
            shown = [one for target_id in slot.ids if (one := find(target_id)) is not None]
        else:
            targets = map(find, slot.ids)
            shown = list(islice((one for one in targets if one is not None), self.size(slot)))
        if slot.field.many:
            slot.members[slot.field.name] = shown
        else:
            slot.members[slot.field.name] = shown[0] if shown else None

    def _leaf_of(self, slot: _Slot) -> Callable[[str], Raw | None]:
        """Return what finds targets in which nothing is replaced; each is made once."""
        return self._leaves.setdefault((id(slot.branch), slot.field.to), _Leaves(self, slot)).__getitem__

    def source_of(self, slot: _Slot, target_id: str) -> _Source | None:
        """Return where a target was found."""
        found = (self._sources.get(name) for name in slot.field.to)
        return next((source for source in found if source is not None and target_id in source), None)

    def _node_of(self, slot: _Slot, target_id: str) -> Any:
        source = self.source_of(slot, target_id)
        if source is None:
            return None
        key = (source.type.name, target_id, id(slot.branch))
        if key not in self._nodes:
            self._nodes[key] = self._node(source, target_id, slot.branch)
        node = self._nodes[key]
        if node is None:
            return None
        node.count += slot.count
        return node.document

    def _node(self, source: _Source, target_id: str, branch: Branch) -> _Node | None:
        document = source.document(target_id, branch)
        if document is None:
            return None
        node = _Node(source.type, document, branch)
        self.next.append(node)
        return node


class _Leaves(dict[str, Raw | None]):
    """By their ids the targets of one branch, as they stand in the answer."""

    def __init__(self, level: _Level, slot: _Slot) -> None:
        super().__init__()
        self._level = level
        self._slot = slot

    def __missing__(self, target_id: str) -> Raw | None:
        source = self._level.source_of(self._slot, target_id)
        made = self[target_id] = None if source is None else source.leaf(target_id, self._slot.branch)
        return made


class _Source:
    """The entries of one type that a level needs, as the caller may read them."""

    def __init__(self, scope: Scope, perspective: Perspective) -> None:
        self._scope = scope
        self._perspective = perspective
        self._decision = decision_on(scope, draft=perspective.draft)
        self._whole = self._decision.row is None and whole_document(self._decision)
        self._parts: dict[str, tuple[str, str]] = {}

    @property
    def type(self) -> ContentType:
        return self._scope.type

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._parts

    async def load(self, ids: Sequence[str]) -> None:
        """Read the documents; none where the caller may read none."""
        if self._decision.denied:
            return
        if self._perspective.locale == MAPS:
            await self._load_maps(ids)
            return
        where = where_behind(self._scope, self._perspective)
        rows = await find_documents(self._scope.core.store, where, ids)
        self._parts = {entry_id: (body, private) for entry_id, body, private in rows}
        if not self._whole and self._scope.goes_through_relations:
            await self._scope.foresee([with_private(decode(body), decode(private)) for _, body, private in rows])

    async def ranks(self, portion: Portion, ids: Sequence[str]) -> Ranks:
        """Return the values that a portion orders by, of the entries that the caller may read."""
        return await ranks(self._scope, self._decision, self._perspective, portion, ids)

    async def _load_maps(self, ids: Sequence[str]) -> None:
        """Maps come as the caller may read them already."""
        from maydan.operations.entries.reading import Reading, maps_of

        reading = Reading(draft=self._perspective.draft, locale=MAPS)
        shown = await maps_of(self._scope, self._decision, ids, reading)
        self._parts = {entry_id: (body.decode(), "") for entry_id, body in shown.items()}
        self._whole = True

    def leaf(self, entry_id: str, branch: Branch) -> Raw | None:
        """Return an entry in which nothing is replaced, or ``None`` where the caller may not read it."""
        if self._whole and branch.fields is None:
            return Raw(self._parts[entry_id][0].encode())
        document = self.document(entry_id, branch)
        return None if document is None else Raw(encode(document))

    def document(self, entry_id: str, branch: Branch) -> dict[str, Any] | None:
        """Return an entry as an object, or ``None`` where the caller may not read it."""
        body, private = self._parts[entry_id]
        if self._whole:
            document = opened(body)
            return document if branch.fields is None else _projected(document, branch)
        document = with_private(decode(body), decode(private))
        allowed = self._decision.fields_for(document)
        return project(document, branch.shown(allowed)) if allowed else None


def _projected(document: dict[str, Any], branch: Branch) -> dict[str, Any]:
    if isinstance(notes := document.get("_locales"), Raw):
        document["_locales"] = _value(notes)
    return project(document, branch.shown(frozenset(document)))
