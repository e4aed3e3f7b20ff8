"""Renders the document of an entry: what a reader gets in one locale, made once at writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct
from msgspec import field as struct_field

from maydan.content.fields import BLOCK_NAME, block_fields, inner_fields, is_list
from maydan.content.per_type import PerType
from maydan.content.stored import SLUG, TAGS, locales_of
from maydan.content.types import ContentType, Field, Kind
from maydan.content.values import LOCALES_NOTE
from maydan.money import decimal_text, exponent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maydan.content.spaces import Space
    from maydan.content.stored import Stored

    Shape = Callable[[Any], Any]

EVERY_LOCALE: Final = "*"
"""The ``locale`` of a document that holds the maps."""

_encode: Final = msgspec.json.Encoder().encode


class Head(Struct, frozen=True, kw_only=True):
    """What the system knows of an entry beside its content; times are text as :func:`maydan.clock.to_text` writes."""

    id: str
    type: str
    status: str
    """``draft``, ``published``, ``changed`` or ``trashed``."""
    version: int
    created_at: str
    updated_at: str
    published_at: dict[str, str] = struct_field(default_factory=dict[str, str])
    """Per locale, of those that are published."""
    created_by: str | None = None
    updated_by: str | None = None
    state: str | None = None


class Rendered(Struct, frozen=True):
    """One document, ready to be stored and sent."""

    body: bytes
    """Flat JSON with everything but private and secret fields."""
    members: dict[str, Any]
    """What is in both parts, as it was before it became JSON."""
    private: bytes | None
    """Flat JSON with the private fields; ``None`` where the type has none."""
    translated: bool
    """Whether the locale has content of its own; for ``fallback=none``."""


class _Step(Struct, frozen=True):
    """How one field is rendered."""

    name: str
    id: str
    localized: bool
    private: bool
    many: bool
    shape: Shape | None
    """What the stored value goes through; ``None`` leaves it as it is."""


class _Plan(Struct, frozen=True):
    steps: tuple[_Step, ...]
    localized: tuple[str, ...]
    """Ids of the localised fields that make a translation."""
    private: bool


def _money(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "decimal": decimal_text(value["amount"], exponent(value["currency"]))}


def _members(fields: tuple[Field, ...]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Make the shape of a component: members by name instead of by id."""
    steps = [(field.name, field.id, is_list(field), _shape(field)) for field in fields]

    def shape(stored: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name, key, many, inner in steps:
            value = stored.get(key)
            if value is None:
                shown[name] = [] if many else None
            else:
                shown[name] = value if inner is None else inner(value)
        return shown

    return shape


def _blocks(field: Field) -> Shape:
    shapes = {name: _members(fields) for name, fields in block_fields(field).items()}

    def shape(stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {BLOCK_NAME: block[BLOCK_NAME], **shapes[block[BLOCK_NAME]](block)}
            for block in stored
            if block[BLOCK_NAME] in shapes
        ]

    return shape


def _choices(field: Field) -> Shape:
    """Make the shape of an enum: what it does not allow any more is absent, as a field is that was dropped."""
    allowed = frozenset(field.values)
    if field.many:
        return lambda values: [value for value in values if value in allowed]
    return lambda value: value if value in allowed else None


def _shape(field: Field) -> Shape | None:
    if field.kind is Kind.BLOCKS:
        return _blocks(field)
    if field.kind is Kind.ENUM:
        return _choices(field)
    one: Shape | None = None
    if field.kind is Kind.MONEY:
        one = _money
    elif field.kind is Kind.COMPONENT:
        one = _members(inner_fields(field))
    if one is None or not field.many:
        return one
    each = one
    return lambda values: [each(value) for value in values]


def _make_plan(type: ContentType) -> _Plan:
    shown = [field for field in type.fields if field.kind is not Kind.SECRET]
    steps = tuple(
        _Step(field.name, field.id, field.localized, field.private, is_list(field), _shape(field)) for field in shown
    )
    localized = tuple(field.id for field in shown if field.localized)
    return _Plan(steps, localized, any(field.private for field in shown))


_plan_of: Final = PerType(_make_plan)


def render(type: ContentType, space: Space, head: Head, stored: Stored, locale: str, *, draft: bool) -> Rendered:
    """Render one locale.

    Localised fields show their value in the first locale of ``space.chain(locale)`` that has one; ``_locales`` names
    those that came from another one. An absent value is ``null``, of a list ``[]``. Money gets ``decimal``.

    Args:
        type: In normal form.
        space: Gives the chain of fallbacks.
        head: The system fields.
        stored: The stored form, of the draft or of what is published.
        locale: One of the space's.
        draft: Whether this is the draft's document: it alone names its authors.
    """
    plan = _plan_of(type)
    chain = space.chain(locale)
    body = _system_fields(head, stored, locale, chain, draft=draft)
    private: dict[str, Any] = {}
    _fill(plan, stored, chain, body, private)
    translated = is_translated(type, space, stored, locale)
    return Rendered(_encode(body), {**body, **private}, _encode(private) if plan.private else None, translated)


def render_maps(type: ContentType, head: Head, stored: Stored, *, draft: bool) -> Rendered:
    """Render every locale at once (``locale=*``): localised fields and the slug are maps from locale to value."""
    plan = _plan_of(type)
    body = _system_fields(head, stored, EVERY_LOCALE, tuple(head.published_at), draft=draft)
    body[SLUG] = stored.get(SLUG) or {}
    private: dict[str, Any] = {}
    for step in plan.steps:
        target = private if step.private else body
        value = stored.get(step.id)
        if step.localized:
            shape = step.shape
            values = locales_of(value)
            target[step.name] = values if shape is None else {key: shape(item) for key, item in values.items()}
        else:
            target[step.name] = _shown(step, value)
    return Rendered(_encode(body), {**body, **private}, _encode(private) if plan.private else None, translated=True)


def is_translated(type: ContentType, space: Space, stored: Stored, locale: str) -> bool:
    """Tell whether the locale has content of its own.

    True too where nothing can be missing: the type has no localised field, or none has a value in any locale and this
    is the default locale.
    """
    ids = _plan_of(type).localized
    maps = [values for values in map(stored.get, ids) if values]
    if not maps:
        return not ids or locale == space.default_locale
    return any(locale in values for values in maps)


def content_locales(type: ContentType, space: Space, stored: Stored) -> tuple[str, ...]:
    """Return the locales of the space in which the entry has content, in the space's order, at least the default."""
    return tuple(
        locale for locale in space.locales if is_translated(type, space, stored, locale)
    ) or (space.default_locale,)  # fmt: skip


def _system_fields(head: Head, stored: Stored, locale: str, chain: Sequence[str], *, draft: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": head.id,
        "type": head.type,
        "slug": _first(stored.get(SLUG), chain)[0],
        "status": head.status,
        "version": head.version,
        "locale": locale,
        "created_at": head.created_at,
        "updated_at": head.updated_at,
        "published_at": _first(head.published_at, chain)[0],
        "tags": stored.get(TAGS) or [],
    }
    if head.state is not None:
        fields["state"] = head.state
    if draft:
        fields["created_by"] = head.created_by
        fields["updated_by"] = head.updated_by
    return fields


def _first(values: dict[str, Any] | None, chain: Sequence[str]) -> tuple[Any, str | None]:
    """Return the first value along the chain, and its locale."""
    if values:
        for locale in chain:
            if locale in values:
                return values[locale], locale
    return None, None


def _shown(step: _Step, value: Any) -> Any:
    if value is None:
        return [] if step.many else None
    return value if step.shape is None else step.shape(value)


def _fill(plan: _Plan, stored: Stored, chain: Sequence[str], body: dict[str, Any], private: dict[str, Any]) -> None:
    """Put the content fields in their order, and the notes of what fell back."""
    own = chain[0]
    notes: dict[str, str] = {}
    private_notes: dict[str, str] = {}
    for step in plan.steps:
        value = stored.get(step.id)
        if step.localized:
            value, source = _first(value, chain)
            if source is not None and source != own:
                (private_notes if step.private else notes)[step.name] = source
        (private if step.private else body)[step.name] = _shown(step, value)
    if notes:
        body[LOCALES_NOTE] = notes
    if private_notes:
        private[LOCALES_NOTE] = private_notes


def project(document: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """Return of a document the named members, in the document's order, with the notes that belong to them."""
    shown = {name: value for name, value in document.items() if name in fields}
    notes = cast("dict[str, str]", document.get(LOCALES_NOTE) or {})
    kept = {name: locale for name, locale in notes.items() if name in fields}
    if kept:
        shown[LOCALES_NOTE] = kept
    return shown


def with_private(body: dict[str, Any], private: dict[str, Any]) -> dict[str, Any]:
    """Return a document with its private members too; :func:`project` then leaves what the reader may see."""
    notes = {**body.get(LOCALES_NOTE, {}), **private.get(LOCALES_NOTE, {})}
    document = {**body, **private}
    if notes:
        document[LOCALES_NOTE] = notes
    return document
