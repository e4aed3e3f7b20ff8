"""Which documents of a type are looked at at all: the perspective, and the locale or the first of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from maydan.content.types import ContentType
from maydan.storage.conditions import Frame, documents_of
from maydan.storage.documents import table_of
from maydan.storage.fragments import Sql, joined

if TYPE_CHECKING:
    from maydan.storage.expressions import DialectName


class Where(Struct, frozen=True, kw_only=True):
    """Which documents of a type are looked at at all."""

    type: ContentType
    space_key: int
    perspective: int
    locale: str
    instead: tuple[str, ...] = ()
    """The locales in which an entry is looked for, one after the other, that has no document in ``locale``."""
    lacking: tuple[str, ...] = ()
    """Only those of entries that have no document in any of these locales."""
    covering: bool = False
    """Whether every entry with a document in ``locale`` has one in each of ``instead`` too."""
    translated_only: bool = False
    """Only those with content of their own in the locale (``fallback=none``)."""
    draft: bool = False
    """Whether the relations that paths go through lead to drafts."""
    types: Mapping[int, ContentType] = {}
    """By their keys the types behind those relations."""


def alternatives(where: Where) -> list[Where]:
    """Return where documents are looked for, in one locale each; every entry counts in the first that it has.

    Everything about a document is then judged in its own locale, what stands behind its relations too.
    """
    locales = (where.locale, *where.instead)
    return [replace(where, locale=locale, instead=(), lacking=locales[:index]) for index, locale in enumerate(locales)]


def base(where: Where) -> Sql:
    """Write which documents those of one locale are."""
    found = documents_of(where.space_key, where.perspective, where.locale, translated_only=where.translated_only)
    return joined("AND", [found, *_more_than_first(where), _without_other(where)]) if where.lacking else found


def _more_than_first(where: Where) -> list[Sql]:
    """Write that there is anything to look for: where the first locale is covered two counts spare all lookups."""
    if not where.covering:
        return []
    counts = [
        documents_of(where.space_key, where.perspective, locale, translated_only=False)
        for locale in (where.locale, where.lacking[0])
    ]
    text = " > ".join(f"(SELECT count(*) FROM {table_of(where.type)} WHERE {one.text})" for one in counts)
    return [Sql(text, tuple(arg for one in counts for arg in one.args))]


def _without_other(where: Where) -> Sql:
    """Write that an entry has no document in other locales; ``entry_id`` is that of the documents looked at."""
    only = " AND translated = TRUE" if where.translated_only else ""
    others = (
        f"SELECT entry_id AS other_id FROM {table_of(where.type)} WHERE space_key = ? AND perspective = ?"
        f" AND locale IN ({','.join('?' * len(where.lacking))}){only}"
    )
    text = f"NOT EXISTS (SELECT 1 FROM ({others}) AS other WHERE other_id = entry_id)"
    return Sql(text, (where.space_key, where.perspective, *where.lacking))


def frame(dialect: DialectName, where: Where) -> Frame:
    """Return how conditions on these documents are judged."""
    return Frame(
        dialect=dialect,
        type=where.type,
        space_key=where.space_key,
        locale=where.locale,
        draft=where.draft,
        translated_only=where.translated_only,
        types=where.types,
    )
