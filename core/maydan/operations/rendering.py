"""The documents of an entry: which rows exist, and what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from maydan.clock import to_text
from maydan.content.kinds import FOLDED_KINDS, SYSTEM_KINDS
from maydan.content.per_type import PerType
from maydan.content.render import Head, Rendered, render, render_maps
from maydan.locales import fold
from maydan.operations.publication import localized_ids, status
from maydan.storage.documents import DRAFT, PUBLISHED, TRASH, DocumentRow
from maydan.storage.expressions import FOLDED, is_fact

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.storage.entries import EntryRow

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def document_rows(content_type: ContentType, space: Space, entry: EntryRow) -> list[DocumentRow]:
    """Render every document of an entry, for each perspective and locale in which it is to be found."""
    keys = document_keys(content_type, space, entry)
    return [document_row(content_type, space, entry, perspective, locale) for perspective, locale in sorted(keys)]


def document_keys(content_type: ContentType, space: Space, entry: EntryRow | None) -> set[tuple[int, str]]:
    """Return ``{(perspective, locale)}`` of an entry's documents, without rendering them."""
    if entry is None:
        return set()
    if entry.trashed_at:
        return {(TRASH, locale) for locale in space.locales}
    if not content_type.drafts:
        return {(PUBLISHED, locale) for locale in space.locales}
    keys = {(DRAFT, locale) for locale in space.locales}
    if entry.published:
        shown = entry.published.locales
        keys |= {(PUBLISHED, locale) for locale in space.locales if any(part in shown for part in space.chain(locale))}
    return keys


def document_row(
    content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str
) -> DocumentRow:
    """Render one document, which must be among :func:`document_keys`."""
    return _made(content_type, space, entry, perspective, locale)[0]


def all_members(
    content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str
) -> dict[str, Any]:
    """Return every field of one document, the private ones and the authors too; what conditions are judged by."""
    return dict(_made(content_type, space, entry, perspective, locale)[1])


_Made: TypeAlias = tuple[DocumentRow, dict[str, Any]]
"""A document, and all of its members."""


def _made(content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str) -> _Made:
    """Render a document, or take it from those of the entry that was asked for last.

    A verb asks for the documents of the entry that it writes more than once: to judge them, to store and to show them.
    """
    kept = _LATEST.of(content_type, space, entry)
    made = kept.get((perspective, locale))
    if made is None:
        made = kept[perspective, locale] = _make(content_type, space, entry, perspective, locale)
    return made


class _Latest:
    """The documents of one entry, which is held so that nothing else gets its identity."""

    def __init__(self) -> None:
        self._of: tuple[object, object, object] = (None, None, None)
        self._rows: dict[tuple[int, str], _Made] = {}

    def of(self, content_type: ContentType, space: Space, entry: EntryRow) -> dict[tuple[int, str], _Made]:
        known = self._of
        if known[0] is not entry or known[1] is not content_type or known[2] is not space:
            self._of, self._rows = (entry, content_type, space), {}
        return self._rows


_LATEST: Final = _Latest()


def _make(content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str) -> _Made:
    rendered = _rendered(content_type, space, entry, perspective, locale)
    own_locale = entry.published is not None and locale in entry.published.locales
    authors = {"created_by": entry.created_by, "updated_by": entry.updated_by}
    document = {**rendered.members, **authors}
    # The private part also holds the authors, so that conditions on them work under every perspective.
    private = {**_decode(rendered.private), **authors} if rendered.private else authors
    row = DocumentRow(
        perspective=perspective,
        locale=locale,
        translated=own_locale if perspective == PUBLISHED and content_type.drafts else rendered.translated,
        body=rendered.body.decode(),
        private=_encode(private).decode(),
        facts=_facts(content_type, document),
    )
    return row, document


def _rendered(content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str) -> Rendered:
    draft = perspective != PUBLISHED
    if perspective == PUBLISHED and content_type.drafts and entry.published:
        head = published_head(content_type, space, entry, locale)
        return render(content_type, space, head, entry.published.body, locale, draft=False)
    head = draft_head(content_type, space, entry)
    return render(content_type, space, head, entry.body, locale, draft=draft)


def draft_head(content_type: ContentType, space: Space, entry: EntryRow) -> Head:
    """Return the system fields of the newest version; they are the same in every locale."""
    known = _HEADS.get(entry.id)
    if known is not None and known[0] is entry and known[1] is content_type and known[2] is space:
        return known[3]
    head = _draft_head(content_type, space, entry)
    _HEADS.clear()
    _HEADS[entry.id] = (entry, content_type, space, head)
    return head


_HEADS: Final[dict[str, tuple[EntryRow, ContentType, Space, Head]]] = {}
"""That of the entry that was asked for last."""


def _draft_head(content_type: ContentType, space: Space, entry: EntryRow) -> Head:
    shown = entry.published.locales if entry.published else {}
    published_at = {locale: part.published_at for locale, part in shown.items()}
    state = status(content_type, entry)
    if not content_type.drafts and state != "trashed":
        state, published_at = "published", dict.fromkeys(space.locales, to_text(entry.created_at))
    return Head(
        id=entry.id,
        type=content_type.name,
        status=state,
        version=entry.version,
        created_at=to_text(entry.created_at),
        updated_at=to_text(entry.updated_at),
        published_at=published_at,
        created_by=entry.created_by,
        updated_by=entry.updated_by,
        state=entry.state,
    )


def published_head(content_type: ContentType, space: Space, entry: EntryRow, locale: str) -> Head:
    """Return the system fields as readers get them: of the version that their locale shows, never of the draft."""
    shown = entry.published.locales if entry.published else {}
    part = next(shown[step] for step in space.chain(locale) if step in shown)
    return Head(
        id=entry.id,
        type=content_type.name,
        status="published",
        version=part.version,
        created_at=to_text(entry.created_at),
        updated_at=part.updated_at,
        published_at={step: one.published_at for step, one in shown.items()},
        created_by=entry.created_by,
        updated_by=entry.updated_by,
        state=entry.state,
    )


def _facts(content_type: ContentType, document: dict[str, Any]) -> str:
    """Return what lists compare and sort by; absent values are left out."""
    names, folded_names = _fact_names(content_type)
    facts = {name: value for name in names if (value := document.get(name)) is not None}
    facts[FOLDED] = {name: fold(value) for name in folded_names if (value := document.get(name)) is not None}
    return _encode(facts).decode()


def _names(content_type: ContentType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    facts = (*SYSTEM_KINDS, *(field.name for field in content_type.fields if is_fact(field)))
    texts = [field for field in content_type.fields if field.kind in FOLDED_KINDS]
    return facts, tuple(field.name for field in texts if not (field.many or field.private))


_fact_names: Final = PerType(_names)


def maps_document(content_type: ContentType, space: Space, entry: EntryRow, perspective: int) -> dict[str, Any]:
    """Render ``locale=*``: every localised field as its map, private fields and authors included."""
    if perspective == PUBLISHED and content_type.drafts and entry.published:
        first = next(
            locale for locale in space.locales if (PUBLISHED, locale) in document_keys(content_type, space, entry)
        )
        head, stored = published_head(content_type, space, entry, first), entry.published.body
    else:
        head, stored = draft_head(content_type, space, entry), entry.body
    rendered = render_maps(content_type, head, _known(content_type, space, stored), draft=perspective != PUBLISHED)
    return {**rendered.members, "created_by": entry.created_by, "updated_by": entry.updated_by}


def _known(content_type: ContentType, space: Space, stored: dict[str, Any]) -> dict[str, Any]:
    """Return a stored form without what is left in locales that the space has no more."""
    localized = localized_ids(content_type)
    return {
        key: {locale: one for locale, one in value.items() if locale in space.locales} if key in localized else value
        for key, value in stored.items()
    }
