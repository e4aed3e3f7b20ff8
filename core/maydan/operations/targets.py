"""Loading what relations lead to, for conditions of policies that go through them: a few statements, never one per row.

Each step of a path is one statement for each type that it may lead to, however many rows are judged. What was not
loaded is not guessed: the condition cannot be judged, and the decision says no. What was looked at is remembered, so
that a write can hold on to it until it is stored.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from maydan.content.conditions import Compare
from maydan.content.matching import Unjudged, values_at
from maydan.ids import is_id
from maydan.storage.document_places import Where
from maydan.storage.document_queries import absence_guard, find_targets
from maydan.storage.documents import DRAFT, PUBLISHED
from maydan.storage.references import revision_guard

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from maydan.content.conditions import Hop
    from maydan.content.types import ContentType
    from maydan.storage.ports import Statement, Store

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_Place: TypeAlias = tuple[int, bool, str]
"""The key of a type, whether newest versions are meant, and the locale."""


class _Found(Struct, frozen=True):
    document: dict[str, Any]
    revision: int


class Targets:
    """The documents that were loaded for one operation; an id without one is known to lead nowhere."""

    __slots__ = ("_documents", "_types", "_used")

    def __init__(self) -> None:
        """Begin with none."""
        self._documents: dict[tuple[_Place, str], _Found | None] = {}
        self._types: dict[int, ContentType] = {}
        self._used: dict[tuple[_Place, str], None] = {}

    def find(self, hop: Hop, entry_id: str, near: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return what a relation of a document leads to, or ``None`` where there is no such entry.

        Raises:
            Unjudged: It was not loaded.
        """
        key = _place(hop, near), entry_id
        try:
            found = self._documents[key]
        except KeyError:
            raise Unjudged(f"What {hop.type} {entry_id} holds was not loaded.") from None
        self._used[key] = None
        return None if found is None else found.document

    def guards(self, space_key: int, *, without: Collection[str] = ()) -> list[Statement]:
        """Return what stops a batch when something that was looked at is not what it was.

        Args:
            space_key: Of the entries.
            without: Ids of the entries that the batch itself writes, under guards of their own.
        """
        revisions: dict[str, int] = {}
        absent: defaultdict[_Place, list[str]] = defaultdict(list)
        for place, one in self._used:
            found = self._documents[place, one]
            if found is None:
                absent[place].append(one)
            elif one not in without:
                revisions[one] = min(found.revision, revisions.get(one, found.revision))
        guards = revision_guard(space_key, revisions)
        for place, ids in absent.items():
            known = [one for one in ids if is_id(one) and one not in without]
            if known:
                guards.append(absence_guard(self._where(space_key, place), known))
        return guards

    def forget(self) -> None:
        """Load anew what is asked for from now on."""
        self._documents.clear()
        self._used.clear()

    async def load(
        self, store: Store, space_key: int, compares: Iterable[Compare], documents: Sequence[Mapping[str, Any]]
    ) -> None:
        """Load the targets of all comparisons for all documents."""
        for compare in compares:
            target = compare.target
            if target is None:
                continue
            path, rest = compare.path[: target.steps], compare.path[target.steps :]
            for hop in target.hops:
                asked = await self._load(store, space_key, hop, path, documents)
                if hop.target.hops and asked:
                    inner = Compare(rest, compare.op, compare.value, hop.target)
                    await self.load(store, space_key, (inner,), asked)

    async def _load(
        self, store: Store, space_key: int, hop: Hop, path: tuple[str, ...], documents: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the targets of one type, with those that were loaded before."""
        wanted: defaultdict[_Place, dict[str, None]] = defaultdict(dict)
        for document in documents:
            ids = {str(one): None for one in values_at(document, path)}
            wanted[_place(hop, document)].update(ids)
        found: list[dict[str, Any]] = []
        for place, ids in wanted.items():
            missing = [one for one in ids if (place, one) not in self._documents]
            if missing:
                await self._fetch(store, space_key, hop, place, missing)
            found += [known.document for one in ids if (known := self._documents[place, one]) is not None]
        return found

    async def _fetch(self, store: Store, space_key: int, hop: Hop, place: _Place, ids: list[str]) -> None:
        if hop.content_type is None:
            raise Unjudged(f"{hop.type} is no type of a policy's condition.")
        self._types[hop.type_key] = hop.content_type
        where = self._where(space_key, place)
        rows = await find_targets(store, where, [one for one in ids if is_id(one)])
        self._documents.update({(place, one): None for one in ids})
        for entry_id, body, private, revision in rows:
            self._documents[place, entry_id] = _Found({**_decode(body), **_decode(private)}, revision)

    def _where(self, space_key: int, place: _Place) -> Where:
        type_key, draft, locale = place
        content_type = self._types[type_key]
        perspective = DRAFT if draft and content_type.drafts else PUBLISHED
        return Where(type=content_type, space_key=space_key, perspective=perspective, locale=locale)


def _place(hop: Hop, near: Mapping[str, Any]) -> _Place:
    return hop.type_key, bool(hop.draft), str(near.get("locale"))
