"""The entries that the levels of an include lead to, as the caller may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Raw

from maydan.content.render import project, with_private
from maydan.operations.entries.ranking import ranks
from maydan.operations.entries.reaching import decision_on
from maydan.operations.entries.views import MAPS, decode, encode, whole_document
from maydan.storage.document_places import Where
from maydan.storage.document_sets import Wanted, set_read, sets_of
from maydan.storage.documents import DRAFT, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from maydan.access.decisions import Decision
    from maydan.content.includes import Portion
    from maydan.content.types import ContentType
    from maydan.operations.entries.branches import Branch
    from maydan.operations.entries.ranking import Ranks
    from maydan.operations.entries.reaching import Judged as JudgedTypes
    from maydan.operations.entries.reaching import Perspective
    from maydan.operations.scopes import Scope
    from maydan.storage.document_sets import DocumentSet, SetRead
    from maydan.storage.ports import Row

_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_value: Final = msgspec.json.decode


def opened(text: str) -> dict[str, Any]:
    """Read a document only as far as needed: its members stay the bytes that they are."""
    return cast("dict[str, Any]", _members(text))


class Sources:
    """The types that an answer's relations lead to."""

    def __init__(self, scope: Scope, perspective: Perspective) -> None:
        """Look at entries as the caller of the scope, under a perspective."""
        self._scope = scope
        self._perspective = perspective
        self._known: dict[str, Source | None] = {}
        self.reads: list[tuple[SetRead, Sequence[Row]]] | None = []
        """What was read so far, and what came; ``None`` where something else was asked for as well."""

    @property
    def judged(self) -> JudgedTypes:
        """The types that were looked for, and what the caller may read of them."""
        return {name: found and (found.type, found.decision) for name, found in self._known.items()}

    async def find(self, name: str) -> Source | None:
        """Return what gives the entries of a type, or ``None`` where the space has no such type."""
        if name not in self._known:
            scope = self._scope
            registry = scope.core.registry
            found = registry.cached_type(scope.space, name) or await registry.find_type(scope.space, name)
            self._known[name] = found and Source(scope.beside(found), self._perspective)
        return self._known[name]

    async def load(self, ids_of: Mapping[str, Iterable[str]]) -> dict[str, Found]:
        """Read what is wanted of each type, in one statement; types of which nothing may be read are left out."""
        wanted: list[tuple[Source, list[str]]] = []
        for name, ids in ids_of.items():
            source = await self.find(name)
            if source is not None and not source.decision.denied:
                wanted.append((source, list(ids)))
        if self._perspective.locale == MAPS:
            self.reads = None
            return {source.type.name: await source.maps(ids) for source, ids in wanted}
        sets = await self._read([source.wanted(ids) for source, ids in wanted])
        return {source.type.name: await source.judged(read) for (source, _), read in zip(wanted, sets, strict=True)}

    async def _read(self, wanted: Sequence[Wanted]) -> list[DocumentSet]:
        store = self._scope.core.store
        read = set_read(store.dialect.name, wanted)
        rows = await read.rows(store)
        if self.reads is not None:
            self.reads.append((read, rows))
        return sets_of(wanted, rows)

    async def ranks(self, name: str, portion: Portion, ids: Sequence[str]) -> Ranks:
        """Return the values that a portion orders by, of the entries of a type that the caller may read."""
        self.reads = None
        source = await self.find(name)
        return {} if source is None else await source.ranks(portion, ids)


class Source:
    """The entries of one type."""

    def __init__(self, scope: Scope, perspective: Perspective) -> None:
        """Look at them as the caller of the scope; nothing is read yet."""
        self._scope = scope
        self._perspective = perspective
        self.type = scope.type
        self.decision = decision_on(scope, draft=perspective.draft)
        """What the caller may read of them."""
        self._is_whole = self.decision.row is None and whole_document(self.decision)

    def wanted(self, ids: Sequence[str]) -> Wanted:
        """Return what to read."""
        perspective = self._perspective
        where = Where(
            type=self.type,
            space_key=self._scope.space.key,
            perspective=DRAFT if perspective.draft and self.type.drafts else PUBLISHED,
            locale=perspective.locale,
            translated_only=perspective.translated_only,
        )
        return Wanted(where=where, ids=ids, private=not self._is_whole)

    async def judged(self, read: DocumentSet) -> Found:
        """Return of what was read what the caller may read."""
        if self._is_whole:
            return Found(self.type, read.bodies)
        full = {
            entry_id: with_private(decode(body), decode(read.private[entry_id]))
            for entry_id, body in read.bodies.items()
        }
        if self._scope.goes_through_relations:
            await self._scope.foresee([*full.values()])
        return Judged(self.type, full, self.decision)

    async def maps(self, ids: Sequence[str]) -> Found:
        """Read the maps of all locales, which come as the caller may read them already."""
        from maydan.operations.entries.reading import Reading, maps_of

        shown = await maps_of(self._scope, self.decision, ids, Reading(draft=self._perspective.draft, locale=MAPS))
        return Found(self.type, {entry_id: body.decode() for entry_id, body in shown.items()})

    async def ranks(self, portion: Portion, ids: Sequence[str]) -> Ranks:
        """Return the values that a portion orders by, of the entries that the caller may read."""
        return await ranks(self._scope, self.decision, self._perspective, portion, ids)


class Found:
    """Entries of one type of which the caller may read what their texts say."""

    def __init__(self, content_type: ContentType, texts: dict[str, str]) -> None:
        """Take the texts by their ids."""
        self.type = content_type
        self.ids: Collection[str] = texts.keys()
        self._texts = texts

    def finder(self, branch: Branch) -> Callable[[str], str | None]:
        """Return what gives the texts, by their ids, as they stand at a branch."""
        if branch.fields is None:
            return self._texts.get
        return _Once(lambda entry_id: self._selected(entry_id, branch)).__getitem__

    def _selected(self, entry_id: str, branch: Branch) -> str | None:
        text = self._texts.get(entry_id)
        if text is None:
            return None
        document = opened(text)
        if isinstance(notes := document.get("_locales"), Raw):
            document["_locales"] = _value(notes)
        return encode(project(document, branch.shown(frozenset(document)))).decode()


class Judged(Found):
    """Entries of which each is judged, or of which the caller gets other members than their texts say."""

    def __init__(self, content_type: ContentType, documents: Mapping[str, dict[str, Any]], decision: Decision) -> None:
        """Take the documents by their ids, with all that they are judged by."""
        super().__init__(content_type, {})
        self.ids = documents.keys()
        self._documents = documents
        self._decision = decision

    def finder(self, branch: Branch) -> Callable[[str], str | None]:
        """Return what gives the texts, by their ids, as they stand at a branch."""
        return _Once(lambda entry_id: self._shown(entry_id, branch)).__getitem__

    def _shown(self, entry_id: str, branch: Branch) -> str | None:
        document = self._documents.get(entry_id)
        allowed = self._decision.fields_for(document) if document is not None else None
        return encode(project(document, branch.shown(allowed))).decode() if document is not None and allowed else None


class _Once(dict[str, "str | None"]):
    """A function of an id that is asked once for each."""

    def __init__(self, make: Callable[[str], str | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, entry_id: str) -> str | None:
        made = self[entry_id] = self._make(entry_id)
        return made
