"""Loading what relations lead to, for conditions of policies that go through them: a few statements, never one per row.

Each step of a path is one statement for each type that it may lead to, however many rows are judged. What was not
loaded is not guessed: the condition cannot be judged, and the decision says no.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from maydan.content.conditions import Compare
from maydan.content.matching import Unjudged, values_at
from maydan.ids import is_id
from maydan.storage.document_queries import Where, find_documents
from maydan.storage.documents import DRAFT, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maydan.content.conditions import Hop
    from maydan.storage.ports import Store

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_Place: TypeAlias = tuple[int, bool, str]
"""The key of a type, whether newest versions are meant, and the locale."""


class Targets:
    """The documents that were loaded for one operation; an id without one is known to lead nowhere."""

    __slots__ = ("_documents",)

    def __init__(self) -> None:
        """Begin with none."""
        self._documents: dict[tuple[_Place, str], dict[str, Any] | None] = {}

    def find(self, hop: Hop, entry_id: str, near: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return what a relation of a document leads to, or ``None`` where there is no such entry.

        Raises:
            Unjudged: It was not loaded.
        """
        try:
            return self._documents[_place(hop, near), entry_id]
        except KeyError:
            raise Unjudged(f"What {hop.type} {entry_id} holds was not loaded.") from None

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
            found += [known for one in ids if (known := self._documents[place, one]) is not None]
        return found

    async def _fetch(self, store: Store, space_key: int, hop: Hop, place: _Place, ids: list[str]) -> None:
        if hop.content_type is None:
            raise Unjudged(f"{hop.type} is no type of a policy's condition.")
        _, draft, locale = place
        perspective = DRAFT if draft and hop.content_type.drafts else PUBLISHED
        where = Where(type=hop.content_type, space_key=space_key, perspective=perspective, locale=locale)
        rows = await find_documents(store, where, [one for one in ids if is_id(one)])
        self._documents.update({(place, one): None for one in ids})
        self._documents.update({(place, row[0]): {**_decode(row[1]), **_decode(row[2])} for row in rows})


def _place(hop: Hop, near: Mapping[str, Any]) -> _Place:
    return hop.type_key, bool(hop.draft), str(near.get("locale"))
