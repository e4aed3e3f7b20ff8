"""Whether an entry has everything that it needs before readers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields, is_list
from maydan.content.problems import Problems, child
from maydan.content.stored import locales_of
from maydan.content.types import ContentType, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.content.spaces import Space
    from maydan.content.stored import Stored


def check_required(
    type: ContentType, space: Space, stored: Stored, locales: Iterable[str], *, shown: Iterable[str] = ()
) -> None:
    """Refuse an entry in which a required field is empty.

    Drafts may be incomplete: this is for publishing, and for writing where a type has no drafts. Empty is absent, an
    empty text, an empty list, and what the field allows no more, since nobody is shown it. Members of components and
    blocks are required where their component is there. A localised field needs a value in each locale or along its
    fallbacks, as far as readers get those too.

    Args:
        type: In normal form.
        space: Gives the fallbacks.
        stored: What is to be published.
        locales: Those that are to be published.
        shown: Those that are published already.
    Raises:
        InvalidInput: Naming every empty field: ``/title``, or ``/title/ar`` where only a locale is missing.
    """
    problems = Problems()
    wanted = tuple(locales)
    visible = {*wanted, *shown}
    chains = {locale: [one for one in space.chain(locale) if one in visible] for locale in wanted}
    for field in type.fields:
        value = stored.get(field.id)
        if field.localized:
            _check_locales(field, locales_of(value), chains, problems)
        else:
            _check(field, value, child("", field.name), problems)
    problems.raise_if_any()


def _check_locales(field: Field, values: dict[str, Any], chains: dict[str, list[str]], problems: Problems) -> None:
    pointer = child("", field.name)
    if field.required and not any(_is_there(field, value) for value in values.values()):
        problems.add(pointer, "field_required")
        return
    for locale, chain in chains.items():
        value = next((values[one] for one in chain if one in values), None)
        _check(field, value, child(pointer, locale), problems)


def has_value(field: Field, value: object) -> bool:
    """Tell whether what is stored of a field is not empty; of a localised one, in any locale."""
    values = locales_of(value).values() if field.localized else [value]
    return any(_is_there(field, one) and one != {} for one in values)


def _is_there(field: Field, value: Any) -> bool:
    if value is None or value in ("", []):
        return False
    items = value if is_list(field) else [value]
    if field.kind is Kind.ENUM:
        return any(item in field.values for item in items)
    if field.kind is Kind.BLOCKS:
        return any(block[BLOCK_NAME] in block_fields(field) for block in items)
    return True


def _check(field: Field, value: Any, pointer: str, problems: Problems) -> None:
    if not _is_there(field, value):
        if field.required:
            problems.add(pointer, "field_required")
        return
    if not field.of:
        return
    if field.kind is Kind.COMPONENT:
        for place, item in _items(field, value, pointer):
            _check_members(inner_fields(field), item, place, problems)
    elif field.kind is Kind.BLOCKS:
        for place, item in _items(field, value, pointer):
            _check_members(block_fields(field).get(item[BLOCK_NAME], ()), item, place, problems)


def _items(field: Field, value: Any, pointer: str) -> list[tuple[str, Any]]:
    if not is_list(field):
        return [(pointer, value)]
    return [(child(pointer, index), item) for index, item in enumerate(value)]


def _check_members(fields: tuple[Field, ...], stored: dict[str, Any], pointer: str, problems: Problems) -> None:
    for field in fields:
        _check(field, stored.get(field.id), child(pointer, field.name), problems)
