"""Includes: puts the entries that relations point at in the place of their ids.

It goes level by level: all ids of a level are collected first, and the entries that they lead to are read by one
statement, so the number of statements depends on the paths alone; where only some of a relation's targets are wanted,
or all in an order, one more for each path and type says which (:mod:`~maydan.operations.entries.ranking`). Then the
texts are put together, from the last level to the first. A document stays a text all the way: it is cut where the ids
stand, and nothing of it is decoded but where a relation stands in a component or blocks
(:mod:`~maydan.content.splices`).
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Raw, Struct

from maydan.content.conditions import refuse
from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields
from maydan.content.per_type import PerType
from maydan.content.splices import KnownPlaces, Unclear, spliced
from maydan.content.types import ContentType, Field, Kind
from maydan.operations.entries.ranking import in_order
from maydan.operations.entries.sources import Sources, opened
from maydan.operations.entries.views import MAPS, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from maydan.content.splices import Place
    from maydan.operations.entries.branches import Branch, Step, Way
    from maydan.operations.entries.ranking import Ranks
    from maydan.operations.entries.reaching import Judged as JudgedTypes
    from maydan.operations.entries.reaching import Perspective
    from maydan.operations.entries.sources import Found
    from maydan.operations.scopes import Scope
    from maydan.storage.document_sets import SetRead
    from maydan.storage.ports import Row

    _Fields: TypeAlias = Mapping[str, Field]
    _Find: TypeAlias = Callable[[str], str | None]
    _Fill: TypeAlias = Callable[[list[str]], str]
    """Makes the value of a relation of its ids, when all that it leads to is closed."""

MOST_INCLUDED: Final = 10_000
"""Entries that the relations of one answer bring, counted as often as they stand in it."""

MOST_INCLUDED_CHARACTERS: Final = 20_000_000
"""Characters that are put in the place of ids for one answer, on all levels together."""

MOST_RANKED: Final = 100_000
"""Entries that the portions of one level are chosen from."""

_NULL: Final = "null"
_value: Final = msgspec.json.decode
_PLACES: Final = KnownPlaces()


class Included(Struct, frozen=True):
    """Documents with what their relations point at."""

    texts: list[str]
    judged: JudgedTypes
    """The types behind the relations, and what the caller may read of them."""
    reads: Sequence[tuple[SetRead, Sequence[Row]]] | None
    """What was read for them, and what came, where they depend on nothing else that is stored."""


async def include(scope: Scope, texts: Sequence[str], branch: Branch, perspective: Perspective) -> Included:
    """Return documents of the scope's type with what relations point at in the place of the ids.

    Args:
        scope: Who reads, where, of which type.
        texts: Of the documents, as JSON without blanks.
        branch: What to replace.
        perspective: How the targets are looked at.
    Raises:
        BadParameter: There are more targets than one answer may have.
    """
    inclusion = _Inclusion(scope, perspective)
    first = nodes = inclusion.nodes(scope.type, texts, branch)
    levels: list[tuple[list[_Node], _Fills]] = []
    while nodes:
        fills, following = await inclusion.follow(nodes)
        levels.append((nodes, fills))
        nodes = following
    for nodes, fills in reversed(levels):
        for node in nodes:
            node.close(fills[node.steps])
    return inclusion.done(first)


class _Node:
    """An entry of the answer whose relations are to be replaced."""

    __slots__ = ("count", "places", "steps", "text")

    def __init__(self, text: str, places: list[Place], steps: tuple[Step, ...], count: int) -> None:
        self.text = text
        self.places = places
        self.steps = steps
        """What is to be done at the places, by the numbers that these have."""
        self.count = count
        """How often it stands in the answer."""

    def close(self, fills: Sequence[_Fill]) -> None:
        """Put what the relations lead to in the place of the ids."""
        self.text = spliced(self.text, self.places, fills)


class _Opened(_Node):
    """An entry whose text does not say where its relations stand: it is decoded, as far as needed."""

    __slots__ = ("_document", "_holders")

    def __init__(self, content_type: ContentType, text: str, branch: Branch, count: int, *, maps: bool) -> None:
        self._document = opened(text)
        found = list(_relations(_fields_of(content_type), self._document, branch, maps=maps))
        self._holders = [members for members, _, _ in found]
        places = [(0, 0, ids, number) for number, (_, ids, _) in enumerate(found)]
        super().__init__(text, places, tuple(step for _, _, step in found), count)

    def close(self, fills: Sequence[_Fill]) -> None:
        """Put what the relations lead to in the place of the ids."""
        for members, step, fill, place in zip(self._holders, self.steps, fills, self.places, strict=True):
            members[step.field.name] = Raw(fill(place[2]).encode())
        self.text = encode(self._document).decode()


class _Fills(dict["tuple[Step, ...]", "list[_Fill]"]):
    """What makes the values of a level's relations, by the steps of its entries."""

    def __init__(self, fills: Mapping[Step, _Fill]) -> None:
        super().__init__()
        self._fills = fills

    def __missing__(self, steps: tuple[Step, ...]) -> list[_Fill]:
        made = self[steps] = [self._fills.get(step, _nothing) for step in steps]
        return made


def _nothing(_ids: list[str]) -> str:
    """Stand for what makes the values of a step at which no entry of the level has any."""
    return _NULL


def _by_name(content_type: ContentType) -> _Fields:
    return {field.name: field for field in content_type.fields}


_fields_of: Final = PerType(_by_name)


def _relations(
    fields: _Fields, members: dict[str, Any], branch: Branch, *, maps: bool
) -> Iterator[tuple[dict[str, Any], list[str], Step]]:
    """Find the relations that a branch names in what was decoded, those in components and blocks too."""
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
            yield members, cast("list[str]", value) if field.many else [value], inner.step_through(field)
            continue
        for one in value.values() if maps and field.localized else (value,):
            for item in cast("list[Any]", one) if isinstance(one, list) else (one,):
                yield from _relations(_inner_fields(field, item), item, inner, maps=False)


def _inner_fields(field: Field, item: dict[str, Any]) -> _Fields:
    blocks = block_fields(field)
    fields = blocks.get(item[BLOCK_NAME], ()) if blocks else inner_fields(field)
    return {one.name: one for one in fields}


class _Room:
    """For how many characters there is room in one answer."""

    def __init__(self) -> None:
        self._left = MOST_INCLUDED_CHARACTERS

    def joined(self, texts: Iterable[str]) -> str:
        """Return texts with commas between them.

        Raises:
            BadParameter: There is no room for them; nothing was put together yet.
        """
        found = list(texts)
        self._left -= sum(map(len, found))
        if self._left < 0:
            most = MOST_INCLUDED_CHARACTERS // 1_000_000
            raise refuse("include", "too_large", f"brings more than {most} MB; ask for smaller pages or fewer fields")
        return ",".join(found)


class _Inclusion:
    """What one answer includes, from the first level to the last."""

    def __init__(self, scope: Scope, perspective: Perspective) -> None:
        self._sources = Sources(scope, perspective)
        self._maps = perspective.locale == MAPS
        self._chooses = False
        """Whether any portion was met so far."""
        self._total = 0
        """Entries that may stand in the answer."""
        self.room = _Room()

    def nodes(self, content_type: ContentType, texts: Iterable[str], branch: Branch, *, count: int = 1) -> list[_Node]:
        """Return entries of a type in which a branch names what to replace."""
        way = branch.way_in(content_type, maps=self._maps)
        self._chooses = self._chooses or way.chooses
        nodes: list[_Node] = []
        for text in texts:
            places = self._places(way, text)
            if places is None:
                nodes.append(_Opened(content_type, text, branch, count, maps=self._maps))
            else:
                nodes.append(_Node(text, places, way.steps, count))
        return nodes

    def _places(self, way: Way, text: str) -> list[Place] | None:
        """Return where the relations stand in a text, or ``None`` where it has to be decoded to find them."""
        if way.cutter is None:
            return None
        try:
            # Portions change what they are given.
            return way.cutter.places(text) if way.chooses else _PLACES.find(way.cutter, text)
        except Unclear:
            return None

    def done(self, nodes: Sequence[_Node]) -> Included:
        """Return what was put together, and what it depends on."""
        return Included([node.text for node in nodes], self._sources.judged, self._sources.reads)

    async def follow(self, nodes: Sequence[_Node]) -> tuple[_Fills, list[_Node]]:
        """Find what the relations of a level lead to.

        Returns:
            What makes their values, and the targets in which something is to be replaced too.
        """
        if self._chooses:
            await self._choose(nodes)
        wanted = self._wanted(nodes)
        found = await self._load(wanted)
        following: list[_Node] = []
        fills: dict[Step, _Fill] = {}
        for step in wanted:
            targets = [found[name] for name in step.field.to if name in found]
            if step.branch.names:
                reached = _Reached(self, step, targets)
                fills[step] = reached.value
                following += reached.follow(nodes)
            else:
                fills[step] = _fill(step, targets, self.room)
        return _Fills(fills), following

    async def _load(self, wanted: Mapping[Step, Sequence[str]]) -> dict[str, Found]:
        ids_of: dict[str, dict[str, None]] = {}
        for step, ids in wanted.items():
            for name in step.field.to:
                ids_of.setdefault(name, {}).update(dict.fromkeys(ids))
        return await self._sources.load(ids_of)

    def _wanted(self, nodes: Sequence[_Node]) -> dict[Step, list[str]]:
        """Return the ids that stand at each step, and count how many they make in the answer."""
        wanted: dict[Step, list[str]] = {}
        for node in nodes:
            for _, _, ids, number in node.places:
                step = node.steps[number]
                if step in wanted:
                    wanted[step] += ids
                else:
                    wanted[step] = ids.copy()
                self._total += node.count * (len(ids) if step.portion is None else step.most(ids))
        if self._total > MOST_INCLUDED:
            raise refuse("include", "too_many", f"leads to more than {MOST_INCLUDED} entries; ask for smaller pages")
        return wanted

    async def _choose(self, nodes: Sequence[_Node]) -> None:
        """Leave in each place the ids that its portion wants, in their order; a statement for each path and type."""
        groups: dict[int, list[tuple[Step, list[str]]]] = {}
        for node in nodes:
            for _, _, ids, number in node.places:
                step = node.steps[number]
                if step.portion is not None:
                    groups.setdefault(id(step.branch), []).append((step, ids))
        if sum(len(ids) for group in groups.values() for _, ids in group) > MOST_RANKED:
            raise refuse("include", "too_many", f"has more than {MOST_RANKED} entries to choose from")
        for group in groups.values():
            await self._choose_in(group)

    async def _choose_in(self, group: Sequence[tuple[Step, list[str]]]) -> None:
        """Do so for places that have one portion in common."""
        portion = group[0][0].portion
        assert portion is not None
        ranks: Ranks = {}
        for name in dict.fromkeys(chain.from_iterable(step.field.to for step, _ in group)):
            ids = dict.fromkeys(chain.from_iterable(ids for step, ids in group if name in step.field.to))
            ranks.update(await self._sources.ranks(name, portion, list(ids)))
        # Maps show fewer entries than one locale does, so their number is limited when they are known.
        limit = None if self._maps else portion.limit
        for _, ids in group:
            ids[:] = in_order(ids, ranks, portion)[:limit]


def _fill(step: Step, targets: Sequence[Found], room: _Room) -> _Fill:
    """Return what makes values of targets in which nothing is to be replaced."""
    find = _finder(targets, step.branch)
    if not step.field.many:
        return lambda ids: room.joined(filter(None, (find(ids[0]),))) or _NULL
    if step.portion is None:
        return lambda ids: f"[{room.joined(filter(None, map(find, ids)))}]"
    return lambda ids: f"[{room.joined(islice(filter(None, map(find, ids)), step.most(ids)))}]"


def _finder(targets: Sequence[Found], branch: Branch) -> _Find:
    """Return what gives the texts of targets that stand at a branch; an id is an entry of one type alone."""
    if len(targets) == 1:
        return targets[0].finder(branch)
    finders = [one.finder(branch) for one in targets]
    return lambda target_id: next((text for find in finders if (text := find(target_id)) is not None), None)


class _Reached:
    """The targets of a step in which something is to be replaced too; each is made once, however often it stands."""

    def __init__(self, inclusion: _Inclusion, step: Step, targets: Sequence[Found]) -> None:
        self._inclusion = inclusion
        self._step = step
        self._targets = [(one, one.finder(step.branch)) for one in targets]
        self._nodes: dict[str, _Node | None] = {}

    def follow(self, nodes: Iterable[_Node]) -> list[_Node]:
        """Return those that entries lead to, counted."""
        for node in nodes:
            for _, _, ids, number in node.places:
                if node.steps[number] is self._step:
                    for target in self._shown(ids):
                        target.count += node.count
        return [node for node in self._nodes.values() if node is not None]

    def value(self, ids: list[str]) -> str:
        """Return the value of a relation to them, when they are closed."""
        texts = self._inclusion.room.joined(node.text for node in self._shown(ids))
        return f"[{texts}]" if self._step.field.many else texts or _NULL

    def _shown(self, ids: list[str]) -> Iterator[_Node]:
        nodes = (node for target_id in ids if (node := self._node(target_id)) is not None)
        return islice(nodes, self._step.most(ids))

    def _node(self, target_id: str) -> _Node | None:
        if target_id not in self._nodes:
            self._nodes[target_id] = self._make(target_id)
        return self._nodes[target_id]

    def _make(self, target_id: str) -> _Node | None:
        for one, find in self._targets:
            text = find(target_id)
            if text is not None:
                return self._inclusion.nodes(one.type, (text,), self._step.branch, count=0)[0]
        return None
