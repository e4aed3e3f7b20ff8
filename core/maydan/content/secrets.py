"""Secret fields: they are kept apart from what versions, events and exports hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.content.per_type import PerType
from maydan.content.types import ContentType, Kind

if TYPE_CHECKING:
    from maydan.content.stored import Stored


def _secret_ids(type: ContentType) -> frozenset[str]:
    return frozenset(field.id for field in type.fields if field.kind is Kind.SECRET)


_ids_of: Final = PerType(_secret_ids)


def split_secrets(type: ContentType, stored: Stored) -> tuple[Stored, Stored]:
    """Return a stored form without its secret fields, and the secret ones alone; neither is the one given.

    ``{**public, **secrets}`` is the stored form again, which :func:`~maydan.content.values.read_input` needs as its
    base, so that a secret that is not sent again stays.
    """
    ids = _ids_of(type)
    public = {key: value for key, value in stored.items() if key not in ids}
    return public, {key: value for key, value in stored.items() if key in ids}
