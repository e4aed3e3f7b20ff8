"""Gives fields their ids: what stays the same keeps its id, what is new never takes one that was used before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from maydan.content.fields import block_fields, inner_fields
from maydan.content.types import Field, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WIDER: Final[dict[Kind, frozenset[Kind]]] = {
    Kind.STRING: frozenset({Kind.TEXT}),
    Kind.ENUM: frozenset({Kind.STRING, Kind.TEXT}),
    Kind.EMAIL: frozenset({Kind.STRING, Kind.TEXT}),
    Kind.URL: frozenset({Kind.STRING, Kind.TEXT}),
    Kind.PHONE: frozenset({Kind.STRING, Kind.TEXT}),
    Kind.COLOR: frozenset({Kind.STRING, Kind.TEXT}),
    Kind.INTEGER: frozenset({Kind.NUMBER}),
}
"""Kinds whose every value is also one of these."""


def keeps_values(before: Field, after: Field) -> bool:
    """Tell whether every stored value of a field is one of what it becomes, in the same shape."""
    same_shape = before.localized == after.localized and before.many == after.many
    return same_shape and (before.kind is after.kind or after.kind in _WIDER.get(before.kind, frozenset()))


class FieldIds:
    """Assigns the ids of one type."""

    def __init__(self, retired: Iterable[str], rename: Mapping[str, str], *, keeps_ids: bool = False) -> None:
        """Begin.

        Args:
            retired: Ids that are never given again; for members of components with those of their component, dotted.
            rename: From old names to new ones.
            keeps_ids: Whether a field is the one whose id it says, whatever its name; one that is new gets that id as
                far as it is free.
        """
        self.retired = set(retired)
        self._keeps_ids = keeps_ids
        self._old_names = {**dict.fromkeys(rename), **{new: old for old, new in rename.items()}}

    def assign(
        self, fields: tuple[Field, ...], previous: tuple[Field, ...], prefix: str = "", reserved: tuple[str, ...] = ()
    ) -> tuple[Field, ...]:
        """Return the fields with their ids; what of ``previous`` is not among them is retired."""
        found = self._found(fields, previous, prefix)
        kept = {field.name: old for field in fields if (old := found.get(field.name)) and keeps_values(old, field)}
        kept_ids = {field.id for field in kept.values()}
        self.retired |= {prefix + field.id for field in previous if field.id not in kept_ids}
        taken = kept_ids | set(reserved)
        done: list[Field] = []
        for field in fields:
            old = kept.get(field.name)
            field_id = old.id if old is not None else self._new_id(field, taken, prefix)
            taken.add(field_id)
            done.append(structs.replace(field, id=field_id, of=self._inside(field, old, f"{prefix}{field_id}.")))
        return tuple(done)

    def _found(self, fields: tuple[Field, ...], previous: tuple[Field, ...], prefix: str) -> dict[str, Field]:
        """Return what each field was before, by its name now."""
        by_id = {field.id: field for field in previous} if self._keeps_ids else {}
        found = {field.name: by_id[field.id] for field in fields if field.id in by_id}
        claimed = {field.id for field in found.values()}
        by_name = {field.name: field for field in previous if field.id not in claimed}
        for field in fields:
            name = field.name if prefix else self._old_names.get(field.name, field.name)
            if field.name not in found and name in by_name:
                found[field.name] = by_name[name]
        return found

    def _new_id(self, field: Field, taken: set[str], prefix: str) -> str:
        """Return the name, or the id that is to be kept, numbered where it was used."""
        stem = field.id if self._keeps_ids and field.id else field.name
        field_id, number = stem, 1
        while field_id in taken or prefix + field_id in self.retired:
            number += 1
            field_id = f"{stem}{number}"
        return field_id

    def _inside(self, field: Field, old: Field | None, prefix: str) -> tuple[Field, ...] | dict[str, tuple[Field, ...]]:
        if isinstance(field.of, dict):
            before = block_fields(old) if old is not None else {}
            for gone in before.keys() - field.of.keys():
                self.assign((), before[gone], f"{prefix}{gone}.")
            return {
                name: self.assign(fields, before.get(name, ()), f"{prefix}{name}.", ("type",))
                for name, fields in field.of.items()
            }
        return self.assign(field.of, inner_fields(old) if old is not None else (), prefix)
