"""Which part of a draft readers get: publishing per locale, as pure functions over stored forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from maydan.clock import to_text
from maydan.content.secrets import split_secrets
from maydan.content.stored import locales_of
from maydan.storage.entries import LocalePublication, Publication

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from maydan.content.types import ContentType
    from maydan.storage.entries import EntryRow

Status: TypeAlias = Literal["draft", "published", "changed", "trashed"]


def localized_ids(content_type: ContentType) -> frozenset[str]:
    """Return the keys of the stored form that hold locale maps."""
    return frozenset({"slug", *(field.id for field in content_type.fields if field.localized)})


def publish(content_type: ContentType, entry: EntryRow, locales: Iterable[str], *, at: datetime) -> Publication:
    """Return the publication after publishing the head version in the locales.

    What is not localised becomes the head version's for every locale (``design.md`` rule: its published value is that
    of the latest publish in any locale).
    """
    wanted = tuple(locales)
    shown = LocalePublication(version=entry.version, published_at=to_text(at), updated_at=to_text(entry.updated_at))
    before = entry.published.locales if entry.published else {}
    return Publication(
        locales={**before, **dict.fromkeys(wanted, shown)},
        body=merged(content_type, entry, wanted),
    )


def merged(content_type: ContentType, entry: EntryRow, locales: Iterable[str]) -> dict[str, Any]:
    """Return the published stored form as it would be after publishing the head version in the locales."""
    before = entry.published.body if entry.published else {}
    body, _ = split_secrets(content_type, entry.body)
    for key in localized_ids(content_type):
        old, head = locales_of(before.get(key)), locales_of(entry.body.get(key))
        taken = {locale: head[locale] for locale in locales if locale in head}
        kept = {locale: value for locale, value in old.items() if locale not in locales}
        if taken or kept:
            body[key] = {**kept, **taken}
        else:
            body.pop(key, None)
    return body


def unpublish(content_type: ContentType, publication: Publication, locales: Iterable[str]) -> Publication | None:
    """Return the publication without the locales, or ``None`` when no locale is left."""
    gone = frozenset(locales)
    left = {locale: shown for locale, shown in publication.locales.items() if locale not in gone}
    if not left:
        return None
    localized = localized_ids(content_type)
    body = {
        key: {locale: part for locale, part in value.items() if locale not in gone} if key in localized else value
        for key, value in publication.body.items()
    }
    return Publication(locales=left, body=body)


def status(content_type: ContentType, entry: EntryRow) -> Status:
    """Tell how the draft relates to what readers get."""
    if entry.trashed_at:
        return "trashed"
    if entry.published is None:
        return "draft"
    shown = entry.published.locales
    versions = {locale.version for locale in shown.values()}
    if versions == {entry.version}:
        return "published"
    locales = set(shown)
    if entry.version not in versions:
        # Nothing of the newest version is public yet, so a locale that it adds is a change as well.
        locales |= {locale for key in localized_ids(content_type) for locale in locales_of(entry.body.get(key))}
    return "published" if merged(content_type, entry, tuple(locales)) == entry.published.body else "changed"


def locale_status(content_type: ContentType, entry: EntryRow, locale: str) -> Status:
    """Tell the same for one locale."""
    if entry.trashed_at:
        return "trashed"
    if entry.published is None or locale not in entry.published.locales:
        return "draft"
    if merged(content_type, entry, (locale,)) == entry.published.body:
        return "published"
    return "changed"
