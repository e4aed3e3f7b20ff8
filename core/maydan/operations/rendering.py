"""The documents of an entry: which rows exist, and what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from maydan.clock import to_text
from maydan.content.kinds import FOLDED_KINDS
from maydan.content.render import Head, Rendered, render, render_maps
from maydan.locales import fold
from maydan.operations.publication import status
from maydan.storage.documents import DRAFT, PUBLISHED, TRASH, DocumentRow

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType, Field
    from maydan.storage.entries import EntryRow

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def document_rows(content_type: ContentType, space: Space, entry: EntryRow) -> list[DocumentRow]:
    """Render every document of an entry, for each perspective and locale in which it is to be found."""
    keys = document_keys(content_type, space, entry)
    return [_row(content_type, space, entry, perspective, locale) for perspective, locale in sorted(keys)]


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


def _row(
    content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str
) -> DocumentRow:
    stored, rendered = _rendered(content_type, space, entry, perspective, locale)
    own_locale = entry.published is not None and locale in entry.published.locales
    return DocumentRow(
        perspective=perspective,
        locale=locale,
        translated=own_locale if perspective == PUBLISHED and content_type.drafts else rendered.translated,
        body=rendered.body.decode(),
        private=_private(entry, rendered),
        folded=_folded(content_type, space, stored, locale),
    )


def _rendered(
    content_type: ContentType, space: Space, entry: EntryRow, perspective: int, locale: str
) -> tuple[dict[str, Any], Rendered]:
    draft = perspective != PUBLISHED
    if perspective == PUBLISHED and content_type.drafts and entry.published:
        head = published_head(content_type, space, entry, locale)
        return entry.published.body, render(content_type, space, head, entry.published.body, locale, draft=False)
    head = draft_head(content_type, space, entry)
    return entry.body, render(content_type, space, head, entry.body, locale, draft=draft)


def draft_head(content_type: ContentType, space: Space, entry: EntryRow) -> Head:
    """Return the system fields of the newest version."""
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


def _private(entry: EntryRow, rendered: Rendered) -> str:
    """The private part also holds the authors, so that conditions on them work under every perspective."""
    private = _decode(rendered.private) if rendered.private else {}
    return _encode({**private, "created_by": entry.created_by, "updated_by": entry.updated_by}).decode()


def folded_fields(content_type: ContentType) -> list[Field]:
    """Return the fields that are kept folded too, for ``icontains``."""
    return [
        field
        for field in content_type.fields
        if field.kind in FOLDED_KINDS and not field.many and not field.private
    ]


def _folded(content_type: ContentType, space: Space, stored: dict[str, Any], locale: str) -> str:
    folded: dict[str, str] = {}
    for field in folded_fields(content_type):
        value = stored.get(field.id)
        if field.localized and value:
            value = next((value[step] for step in space.chain(locale) if step in value), None)
        if value:
            folded[field.name] = fold(value)
    return _encode(folded).decode()


def maps_document(content_type: ContentType, space: Space, entry: EntryRow, perspective: int) -> dict[str, Any]:
    """Render ``locale=*``: every localised field as its map, private fields and authors included."""
    if perspective == PUBLISHED and content_type.drafts and entry.published:
        first = next(locale for locale in space.locales if (PUBLISHED, locale) in document_keys(content_type, space, entry))
        head, stored = published_head(content_type, space, entry, first), entry.published.body
    else:
        head, stored = draft_head(content_type, space, entry), entry.body
    rendered = render_maps(content_type, head, stored, draft=perspective != PUBLISHED)
    private = _decode(rendered.private) if rendered.private else {}
    return {**_decode(rendered.body), **private, "created_by": entry.created_by, "updated_by": entry.updated_by}
