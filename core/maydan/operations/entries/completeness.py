"""Refuse an entry that lacks what it needs, without naming a field that the caller may not know of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from maydan.content import required
from maydan.content.problems import Problems, child
from maydan.errors import InputError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable

    from maydan.content.stored import Stored
    from maydan.operations.scopes import Scope


def require_complete(scope: Scope, stored: Stored, locales: Iterable[str], *, shown: Iterable[str] = ()) -> None:
    """Refuse an entry in which a required field is empty; see :func:`maydan.content.required.check_required`.

    Raises:
        InvalidInput: Naming every empty field; those of which the caller knows nothing, without their names.
    """
    with _naming(scope):
        required.check_required(scope.type, scope.space, stored, locales, shown=shown)


def require_values(scope: Scope, stored: Stored, names: Collection[str]) -> None:
    """Refuse an entry in which one of these fields has no value; a localised one needs it in any locale.

    Raises:
        InvalidInput: As for :func:`require_complete`.
    """
    problems = Problems()
    for field in scope.type.fields:
        if field.name in names and not required.has_value(field, stored.get(field.id)):
            problems.add(child("", field.name), "field_required")
    with _naming(scope):
        problems.raise_if_any()


@contextmanager
def _naming(scope: Scope) -> Generator[None]:
    try:
        yield
    except InvalidInput as error:
        told = [one for one in error.errors if one.pointer.split("/")[1] in scope.known_fields]
        if len(told) == len(error.errors):
            raise
        told.append(InputError("", "field_required", "A field that you may not see has no value."))
        raise InvalidInput(told[0].message, errors=tuple(told)) from None
