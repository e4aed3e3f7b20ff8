"""Reads what somebody sends for an entry, strictly, into the stored form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET

from maydan.content.fields import default_of, put, read_value
from maydan.content.index_limits import fits, most_bytes
from maydan.content.per_type import PerType
from maydan.content.problems import Problems, child
from maydan.content.slugs import is_slug
from maydan.content.stored import SLUG, TAGS, Stored, locales_of
from maydan.content.text import has_control
from maydan.content.types import SYSTEM_FIELDS, ContentType, Field, Kind
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from maydan.content.spaces import Space

MOST_TAGS: Final = 100
LONGEST_TAG: Final = 100
"""In characters."""
LOCALES_NOTE: Final = "_locales"
"""The member of an answer that says which fields fell back to which locale."""

_SECRET: Final = Kind.SECRET
_OBJECTS: Final = frozenset({Kind.MONEY, Kind.GEO, Kind.JSON, Kind.COMPONENT})
_SYSTEM: Final = frozenset((*SYSTEM_FIELDS, LOCALES_NOTE)) - {SLUG, TAGS}


def read_input(
    type: ContentType,
    space: Space,
    data: dict[str, Any],
    *,
    base: Stored | None,
    locale: str | None,
    replace: bool,
    hidden: frozenset[str] = frozenset(),
    maps: bool | None = None,
) -> Stored:
    """Read an entry's input into the stored form; ``base`` is never changed.

    Without ``base`` this is a new entry, and absent fields take their defaults. With ``base`` it is a JSON Merge Patch
    (RFC 7396): absent is unchanged, ``null`` clears, a map of locales and a component merge, a list is replaced.
    With ``replace`` too, absent fields are cleared or take their default, but not what the sender cannot know: secret
    and ``hidden`` fields, the slug, other locales than the one that plain values are for, and what is left in locales
    that the space has no more.

    A localised field takes a map from locale to value, or a plain value, which is that of ``locale`` or else of the
    default locale. Where the plain value is an object itself (money, geo, json, component), ``maps`` says which it is;
    else it is taken for a map when ``locale`` is ``None`` and all of its keys are locales of the space.

    Args:
        type: In normal form.
        space: Gives the locales.
        data: The decoded body, without what :func:`strip_system` takes out.
        base: The newest stored form of the entry that is changed.
        locale: One of the space's, as asked for by ``?locale=``.
        replace: ``PUT``: ``data`` is the whole.
        hidden: Names of fields that the sender may not see: answered as unknown, and kept.
        maps: Whether objects are maps of locales, as :func:`says_maps` tells.
    Raises:
        InvalidInput: With every problem and its pointer.
    """
    reading = _Reading(type, space, locale, hidden, base or {}, patch=base is not None and not replace, maps=maps)
    for name, value in data.items():
        reading.take(name, value)
    if base is None or replace:
        reading.fill_absent(data)
    reading.problems.raise_if_any()
    return reading.stored


def _map_by_name(type: ContentType) -> dict[str, Field]:
    return {field.name: field for field in type.fields}


fields_by_name: Final = PerType(_map_by_name)
"""Gives a type's fields by their names."""


class _Reading:
    """One input on its way into the stored form."""

    def __init__(
        self,
        type: ContentType,
        space: Space,
        locale: str | None,
        hidden: frozenset[str],
        base: Stored,
        *,
        patch: bool,
        maps: bool | None,
    ) -> None:
        self.type = type
        self.space = space
        self.locale = locale
        self.plain_locale = locale or space.default_locale
        self.hidden = hidden
        self.base = base
        self.patch = patch
        self.maps = maps
        self.stored: Stored = dict(base) if patch else {}
        self.problems = Problems()
        self.fields = fields_by_name(type)
        self.most_bytes = most_bytes(type)

    def take(self, name: str, value: object) -> None:
        """Read one member of the body."""
        field = self.fields.get(name)
        if field is not None and name not in self.hidden:
            self._take_field(field, value)
        elif name == SLUG:
            put(self.stored, SLUG, self._slugs(value))
        elif name == TAGS:
            put(self.stored, TAGS, self._tags(value))
        else:
            self.problems.add(child("", name), "read_only" if name in _SYSTEM else "unknown_field")

    def fill_absent(self, data: dict[str, Any]) -> None:
        """Complete what a whole entry leaves out."""
        if SLUG not in data and SLUG in self.base:
            self.stored[SLUG] = self.base[SLUG]
        for field in self.type.fields:
            if field.name in data and field.name not in self.hidden:
                continue
            unseen = field.name in self.hidden or field.kind is _SECRET
            value = self.base.get(field.id) if unseen else self._other_locales(field)
            if value is None and field.default is not None and not (unseen and self.base):
                value = {self.plain_locale: default_of(field)} if field.localized else default_of(field)
            put(self.stored, field.id, value)

    def _other_locales(self, field: Field) -> dict[str, Any] | None:
        """Return what a whole entry leaves as it is of a field that it does not name: all but its one locale."""
        if not field.localized:
            return None
        return self._cleared(locales_of(self.base.get(field.id))) or None

    def _take_field(self, field: Field, value: object) -> None:
        if value is UNSET:
            put(self.stored, field.id, self.base.get(field.id))
            return
        pointer = child("", field.name)
        old = self.base.get(field.id)
        if field.localized:
            put(self.stored, field.id, self._localized(field, value, pointer, locales_of(old)) or None)
        elif value is None:
            self.stored.pop(field.id, None)
        else:
            put(self.stored, field.id, self._read(field, value, pointer, old))

    def _read(self, field: Field, value: object, pointer: str, old: object) -> Any:
        read = read_value(field, value, pointer, self.problems, old=old, merge=self.patch)
        most = self.most_bytes.get(field.id)
        if most is not None and not fits(read, most):
            self.problems.add(pointer, "too_long_for_index", max=most)
        return read

    def _localized(self, field: Field, value: object, pointer: str, old: dict[str, Any]) -> dict[str, Any]:
        if value is None:
            return self._cleared(old)
        if not self._is_map(field, value):
            own = old.get(self.plain_locale)
            read = self._read(field, value, pointer, own)
            return {**old, self.plain_locale: read} if read is not None else self._without(old, self.plain_locale)
        result = dict(old) if self.patch else self._unknown(old)
        for locale, item in cast("dict[str, object]", value).items():
            place = child(pointer, locale)
            if locale not in self.space.locales:
                self.problems.add(place, "unknown_locale")
                continue
            own = old.get(locale)
            read = item
            if item is not None:
                read = self._read(field, item, place, own)
            put(result, locale, read)
        return result

    def _is_map(self, field: Field, value: object) -> bool:
        """Tell a map of locales from a plain value that is an object itself."""
        if not isinstance(value, dict):
            return False
        if field.kind not in _OBJECTS or field.many:
            return True
        if self.maps is not None:
            return self.maps
        keys = cast("dict[str, object]", value)
        return self.locale is None and bool(keys) and all(key in self.space.locales for key in keys)

    def _cleared(self, values: dict[str, Any]) -> dict[str, Any]:
        return self._unknown(values) if self.locale is None else self._without(values, self.locale)

    def _unknown(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return what is left in locales that the space has no more, of which senders know nothing."""
        return {locale: value for locale, value in values.items() if locale not in self.space.locales}

    @staticmethod
    def _without(values: dict[str, Any], locale: str) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key != locale}

    def _slugs(self, value: object) -> dict[str, str] | None:
        old = cast("dict[str, str]", self.base.get(SLUG) or {})
        if value is None:
            return self._cleared(old) or None
        if not isinstance(value, dict):
            if value == old.get(self.plain_locale):
                return old
            read = self._slug(value, "/slug")
            return old if read is None else {**old, self.plain_locale: read}
        result = dict(old) if self.patch else self._unknown(old)
        for locale, item in cast("dict[str, object]", value).items():
            place = child("/slug", locale)
            if locale not in self.space.locales:
                self.problems.add(place, "unknown_locale")
            else:
                kept = item is not None and item == old.get(locale)  # as it was given out, be it only the entry's id
                put(result, locale, item if kept or item is None else self._slug(item, place))
        return result or None

    def _slug(self, value: object, pointer: str) -> str | None:
        if type(value) is not str:
            self.problems.add(pointer, "not_text")
            return None
        slug = normalized("NFC", value)
        if not is_slug(slug):
            self.problems.add(pointer, "invalid_slug")
            return None
        return slug

    def _tags(self, value: object) -> list[str] | None:
        if value is None:
            return None
        if not isinstance(value, list):
            self.problems.add("/tags", "not_a_list")
            return None
        tags = cast("list[object]", value)
        if len(tags) > MOST_TAGS:
            self.problems.add("/tags", "too_many", max=MOST_TAGS)
            return None
        read = (self._tag(tag, child("/tags", index)) for index, tag in enumerate(tags))
        return list(dict.fromkeys(tag for tag in read if tag is not None)) or None

    def _tag(self, value: object, pointer: str) -> str | None:
        if type(value) is not str:
            self.problems.add(pointer, "not_text")
        elif has_control(value):
            self.problems.add(pointer, "control_character")
        elif len(value) > LONGEST_TAG:
            self.problems.add(pointer, "too_long", max=LONGEST_TAG)
        elif not value.strip():
            self.problems.add(pointer, "too_short", min=1)
        else:
            return normalized("NFC", value)
        return None


def says_maps(data: dict[str, Any]) -> bool | None:
    """Tell whether what was got and sent back holds maps of locales (``locale=*``) or plain values; it may not say."""
    locale = data.get("locale")
    return locale == "*" if isinstance(locale, str) else None


def strip_system(data: dict[str, Any], current: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """Take out of a ``PUT`` what the sender got and sent back, so that GET, edit, PUT works.

    Unchanged system fields go; a field whose value only fell back from another locale, and is unchanged, becomes
    ``UNSET``, which :func:`read_input` takes for "leave it", so that a fallback is not copied into a locale.

    Args:
        data: The decoded body.
        current: The draft document in the locale that the body's plain values are for.
        others: What the sender may have got instead: the published document, that of all locales.
    Raises:
        InvalidInput: A system field was changed.
    """
    problems = Problems()
    got = (current, *others)
    note = data.get(LOCALES_NOTE)
    read = next((document for document in got if note and document.get(LOCALES_NOTE) == note), current)
    fell_back = cast("dict[str, str]", read.get(LOCALES_NOTE) or {})
    left: dict[str, Any] = {}
    for name, value in data.items():
        if name in _SYSTEM:
            if not any(value == document.get(name) for document in got):
                problems.add(child("", name), "read_only")
        elif name == SLUG and value == current.get(SLUG):
            continue
        else:
            left[name] = UNSET if name in fell_back and value == read.get(name) else value
    problems.raise_if_any()
    return left
