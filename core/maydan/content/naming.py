"""The stored form by the present names of its fields: what diffs are made over, and what a restore sends again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields, is_list
from maydan.content.stored import SLUG, TAGS, slugs_of, tags_of
from maydan.content.types import Field, Kind

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.content.stored import Stored
    from maydan.content.types import ContentType


def by_name(type: ContentType, stored: Stored) -> dict[str, Any]:
    """Return a stored form with names instead of ids; secret fields and those that are gone are left out.

    The values are as they are stored: locale maps, amounts without ``decimal``, absent ones absent.
    """
    named: dict[str, Any] = {}
    if SLUG in stored:
        named[SLUG] = slugs_of(stored)
    if TAGS in stored:
        named[TAGS] = tags_of(stored)
    for field in type.fields:
        if field.kind is not Kind.SECRET and field.id in stored:
            named[field.name] = _named(field, stored[field.id], whole=False)
    return named


def as_input(type: ContentType, space: Space, stored: Stored) -> dict[str, Any]:
    """Return what, sent as a whole entry, makes the content what it is in this stored form.

    Every field is named, ``null`` where it is empty, so that no default steps in. Not the slug, which belongs to the
    entry and not to what it says, no secrets, and no locales that the space has not any more.
    """
    data: dict[str, Any] = {TAGS: tags_of(stored) or None}
    for field in type.fields:
        if field.kind is Kind.SECRET:
            continue
        value = stored.get(field.id)
        if value is not None and field.localized:
            value = {locale: one for locale, one in value.items() if locale in space.locales} or None
        data[field.name] = None if value is None else _named(field, value, whole=True)
    return data


def named_value(field: Field, value: Any) -> Any:
    """Return the stored value of one field as it is sent: the members of components by name, a map of locales a map."""
    return _named(field, value, whole=True)


def _named(field: Field, value: Any, *, whole: bool) -> Any:
    if not field.of:
        return value
    if field.localized:
        return {locale: _shaped(field, one, whole=whole) for locale, one in value.items()}
    return _shaped(field, value, whole=whole)


def _shaped(field: Field, value: Any, *, whole: bool) -> Any:
    if not is_list(field):
        return _members(inner_fields(field), value, whole=whole)
    if field.kind is not Kind.BLOCKS:
        return [_members(inner_fields(field), item, whole=whole) for item in value]
    blocks = block_fields(field)
    return [
        {BLOCK_NAME: item[BLOCK_NAME], **_members(blocks[item[BLOCK_NAME]], item, whole=whole)}
        for item in value
        if item[BLOCK_NAME] in blocks
    ]


def _members(fields: tuple[Field, ...], stored: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """Return the members of a component by name; the ``whole`` of them, with ``null`` for what is absent."""
    named: dict[str, Any] = {}
    for field in fields:
        value = stored.get(field.id)
        if value is not None:
            named[field.name] = _shaped(field, value, whole=whole) if field.of else value
        elif whole:
            named[field.name] = None
    return named
