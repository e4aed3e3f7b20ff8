"""What a caller may write of an input, and the slugs that it does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maydan.content.links import links
from maydan.content.per_type import PerType
from maydan.content.slugs import slugify, with_number
from maydan.content.stored import slugs_of
from maydan.content.types import Kind
from maydan.errors import FieldForbidden, InputError, InvalidInput
from maydan.storage.entries import existing_targets
from maydan.storage.names import taken_slugs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.access.decisions import Decision
    from maydan.content.types import ContentType
    from maydan.operations.scopes import Scope


def hidden_fields(scope: Scope, writing: Decision) -> frozenset[str]:
    """Return the fields that the caller may neither read nor write on any row: unknown, as far as they can tell."""
    decisions = (writing, scope.decide("read"), scope.decide("read_draft"))
    return _names_of(scope.type).difference(*(grant.fields for decision in decisions for grant in decision.grants))


_names_of: Final = PerType(lambda content_type: frozenset(field.name for field in content_type.fields))


async def transformed(scope: Scope, data: dict[str, Any]) -> dict[str, Any]:
    """Return the input as the plugins of the space leave it."""
    hooks, space = scope.core.hooks, scope.space
    if not hooks.listens("transform_entry_input", space):
        return data
    return await hooks.transform_entry_input(space, scope.type, dict(data), scope.caller.actor)


def require_writable(scope: Scope, names: Iterable[str], writable: frozenset[str], hidden: frozenset[str]) -> None:
    """Refuse fields that the caller may read but not write.

    Raises:
        FieldForbidden: Naming each.
    """
    known = {"slug", "tags", *(field.name for field in scope.type.fields)} - hidden
    refused = [name for name in names if name in known and name not in writable]
    if refused:
        errors = tuple(InputError(f"/{name}", "field_forbidden", "You may not write this field.") for name in refused)
        raise FieldForbidden(f"You may not write {', '.join(refused)}.", errors=errors)


def changed_names(content_type: ContentType, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of the fields, and of ``slug`` and ``tags``, whose stored value differs."""
    names = {field.id: field.name for field in content_type.fields} | {"slug": "slug", "tags": "tags"}
    return [name for key, name in names.items() if before.get(key) != after.get(key)]


async def require_targets(scope: Scope, stored: dict[str, Any], before: dict[str, Any]) -> None:
    """Refuse links to what does not exist in this space, is of a wrong type, or may not be read by the caller.

    Links that were there before stay allowed: a target in the trash, or one that only somebody else may read.

    Raises:
        InvalidInput: The same for all three reasons.
    """
    kept = {link.target_id for link in links(scope.type, before)}
    new = [link for link in links(scope.type, stored) if link.target_id not in kept]
    if not new:
        return
    found = await existing_targets(scope.core.store, scope.space.key, sorted({link.target_id for link in new}))
    readable = await _readable(scope, found)
    errors = tuple(
        InputError(link.pointer, "unknown_entry", "There is no such entry to link to.")
        for link in new
        if readable.get(link.target_id) not in link.to
    )
    if errors:
        raise InvalidInput(f"{errors[0].pointer} links to an entry that does not exist.", errors=errors)


async def _readable(scope: Scope, found: dict[str, int]) -> dict[str, str]:
    """Return ``{entry id: type name}`` of the targets that the caller may read, as published or as a draft."""
    from maydan.operations.entries.reading import readable_ids

    by_type: dict[int, list[str]] = {}
    for target, type_key in found.items():
        by_type.setdefault(type_key, []).append(target)
    readable: dict[str, str] = {}
    for type_key, ids in by_type.items():
        content_type = scope.core.registry.type_by_key(type_key)
        if content_type is not None and scope.core.registry.cached_type(scope.space, content_type.name) is not None:
            target_scope = scope.beside(content_type)
            readable.update(dict.fromkeys(await readable_ids(target_scope, ids), content_type.name))
    return readable


async def with_slugs(scope: Scope, entry_id: str, stored: dict[str, Any], *, optimistic: bool) -> dict[str, Any]:
    """Return the stored form with a slug for every locale that has a source for one and no slug yet.

    A slug that the caller gave stays as it is. A derived one gets a number when it is taken.

    Args:
        scope: Who writes where.
        entry_id: The entry; its own slugs are free for it, and its id stands in where no slug can be made.
        stored: The new stored form.
        optimistic: Take derived slugs without looking whether they are free; the batch finds out.
    """
    slugs = dict(slugs_of(stored))
    sources = _slug_sources(scope.type, stored, scope.space.default_locale)
    for locale, text in sources.items():
        if locale in slugs:
            continue
        stem = slugify(text) or entry_id
        slugs[locale] = stem if optimistic else await _free_slug(scope, locale, stem, entry_id)
    if not slugs:
        slugs[scope.space.default_locale] = entry_id
    return {**stored, "slug": slugs}


async def with_free_slugs(scope: Scope, entry_id: str, stored: dict[str, Any]) -> dict[str, Any]:
    """Return the stored form, the same one where nothing is taken, with a number after each slug of another entry."""
    slugs = {locale: await _free_slug(scope, locale, slug, entry_id) for locale, slug in slugs_of(stored).items()}
    return stored if slugs == slugs_of(stored) else {**stored, "slug": slugs}


async def _free_slug(scope: Scope, locale: str, stem: str, entry_id: str) -> str:
    taken = await taken_slugs(scope.core.store, scope.space.key, scope.type.key, locale, stem, but=entry_id)
    number, slug = 1, stem
    while slug in taken:
        number += 1
        slug = with_number(stem, number)
    return slug


def _slug_sources(content_type: ContentType, stored: dict[str, Any], default_locale: str) -> dict[str, str]:
    field = content_type.field(content_type.slug_from) if content_type.slug_from else None
    field = field or next((one for one in content_type.fields if one.kind is Kind.STRING and not one.many), None)
    if field is None or field.private:
        return {}
    value = stored.get(field.id)
    if not value:
        return {}
    return value if field.localized else {default_locale: str(value)}
