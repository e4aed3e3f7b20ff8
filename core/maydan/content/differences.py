"""What is different between two forms of a content type, in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from maydan.content.changes import renamed
from maydan.content.fields import block_fields, inner_fields

if TYPE_CHECKING:
    from maydan.content.types import ContentType, Field

_NOT_SHOWN: Final = frozenset({"name", "fields", "key", "version", "retired_ids"})
_NOT_SHOWN_OF_FIELDS: Final = frozenset({"name", "id", "of"})


def list_differences(before: ContentType, after: ContentType) -> list[str]:
    """Return a line for each thing that changes; ``+`` is new, ``-`` goes, ``~`` changes. Both are in normal form."""
    now = {field.id: field.name for field in after.fields}
    names = {field.name: now[field.id] for field in before.fields if field.id in now}
    # An index, or the source of slugs, that follows a rename has not changed.
    followed = renamed(before, names)
    lines = [
        f"~ {name}: {_shown(getattr(followed, name))} -> {_shown(getattr(after, name))}"
        for name in after.__struct_fields__
        if name not in _NOT_SHOWN and getattr(followed, name) != getattr(after, name)
    ]
    return lines + _fields(before.fields, after.fields, "")


def _fields(before: tuple[Field, ...], after: tuple[Field, ...], path: str) -> list[str]:
    old = {field.id: field for field in before}
    kept = [field.id for field in after if field.id in old]
    fresh = {field.name: field for field in after if field.id not in old}
    lines: list[str] = []
    for field in before:
        if field.id in kept:
            continue
        other = fresh.pop(field.name, None)
        lines.append(f"- field {path}{field.name}" if other is None else _retyped(field, other, path))
    for field in after:
        if field.id in old:
            lines += _field(old[field.id], field, path)
        elif field.name in fresh:
            lines.append(f"+ field {path}{field.name}: {_kind(field)}")
    if kept != [field.id for field in before if field.id in kept]:
        lines.append(f"~ {f'{path[:-1]}: ' if path else ''}order of the fields")
    return lines


def _field(before: Field, after: Field, path: str) -> list[str]:
    place = f"{path}{after.name}"
    lines = [f"~ field {path}{before.name}: renamed to {after.name}"] if before.name != after.name else []
    lines += [
        f"~ field {place}: {name} {_shown(getattr(before, name))} -> {_shown(getattr(after, name))}"
        for name in after.__struct_fields__
        if name not in _NOT_SHOWN_OF_FIELDS and getattr(before, name) != getattr(after, name)
    ]
    lines += _fields(inner_fields(before), inner_fields(after), f"{place}.")
    old, new = block_fields(before), block_fields(after)
    lines += [f"- block {place}.{name}" for name in sorted(old.keys() - new.keys())]
    lines += [f"+ block {place}.{name}" for name in sorted(new.keys() - old.keys())]
    for name in sorted(old.keys() & new.keys()):
        lines += _fields(old[name], new[name], f"{place}.{name}.")
    return lines


def _retyped(before: Field, after: Field, path: str) -> str:
    return f"~ field {path}{after.name}: {_kind(before)} -> {_kind(after)}, starts empty"


def _kind(field: Field) -> str:
    words = [name for name in ("localized", "many") if getattr(field, name)]
    return " ".join([*words, field.kind.value])


def _shown(value: object) -> str:
    return msgspec.json.encode(value).decode()
