"""The last step of every verb: hooks that may refuse, then one batch, and what it means when that fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from maydan.content.links import unique_values
from maydan.content.stored import slugs_of
from maydan.errors import Conflict, InputError, Unavailable, UniqueViolation
from maydan.operations.entries.holding import require_unlocked
from maydan.operations.locking import writer_of
from maydan.operations.writing import THE_ONLY, Change, batch_of
from maydan.storage.names import holder_of, holder_of_slug
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.registry import type_guard

if TYPE_CHECKING:
    from maydan.operations.entries.views import EntryView
    from maydan.operations.scopes import Scope

T = TypeVar("T")
Seal = Callable[["EntryView"], Sequence[Statement]]
"""Gives statements to store together with the result, such as an idempotency record."""
Veto = Callable[[], Awaitable[None]]

_ATTEMPTS: Final = 30
"""How often a verb is tried; each time that it loses a rival has won, so that as many at once all come through."""
_PAUSE_S: Final = 0.002
"""About the longest pause before the second try; doubled for each further one, up to a quarter of a second."""


class Outrun(Exception):
    """Another request changed the entry, or took a name, between reading and storing."""


class TypeMoved(Unavailable):
    """The type or the space changed between reading and storing; the verb starts over with what they are now."""

    code = "race"


async def store(
    scope: Scope,
    change: Change,
    view: EntryView,
    *,
    veto: Veto | None,
    seal: Seal | None,
    more: Sequence[Statement] = (),
) -> None:
    """Store a change with its event, after the hooks agreed.

    Args:
        scope: Who does it where.
        change: What is stored.
        view: What the caller will get.
        veto: Calls the plugins that may refuse; ``None`` where none listens.
        seal: What to store with it for the caller.
        more: Further statements of the same transaction.
    Raises:
        Outrun: Somebody was faster; read again and start over.
        TypeMoved: The type or the space is not what it was.
        Conflict: Somebody else holds the entry's lock.
        HookRefused: A plugin said no.
    """
    guard, writer = type_guard(scope.space, scope.type), writer_of(scope)
    seen = scope.targets.guards(scope.space.key, without={change.after.id})
    batch = [guard, *seen, *batch_of(change, scope.caller, writer), *more, *(seal(view) if seal else ())]
    try:
        if veto is None:
            await scope.core.store.commit(batch)
            return
        async with scope.core.store.write_transaction() as transaction:
            await veto()
            await transaction.apply(batch)
    except (GuardFailed, Duplicate) as error:
        await require_unlocked(scope, [change.after.id])
        raise outrun_by(error) from error
    finally:
        # Whoever starts over, or goes on with another entry, looks again at what conditions lead to.
        scope.targets.forget()


def outrun_by(error: GuardFailed | Duplicate) -> Exception:
    """Return what it means that a batch was refused; its first statement holds on to the type (``type_guard``)."""
    if isinstance(error, GuardFailed) and error.index == 0:
        return TypeMoved("The content type was changed at the same moment; try again.")
    return Outrun()


async def until_stored(attempt: Callable[[int], Awaitable[T]]) -> T:
    """Repeat an attempt that was outrun.

    Raises:
        Conflict: It lost every time; the entry is changed without pause.
    """
    for number in range(_ATTEMPTS):
        try:
            return await attempt(number)
        except Outrun:
            # Rivals that start over together would lose together; a random pause lets them come one by one.
            longest_s = _PAUSE_S * 2 ** min(number, 7)
            await asyncio.sleep(random.uniform(0, longest_s))  # noqa: S311 - spreads tries, hides nothing
    raise Conflict("This entry is being changed by many at once; try again.")


async def require_free_names(scope: Scope, change: Change, *, given: Mapping[str, str] | None = None) -> None:
    """Say which slug or unique value another entry holds; asked only after a batch was refused.

    Args:
        scope: Who writes where.
        change: What was refused.
        given: The slugs that the entry must have; ``None`` is all. Of a derived one there is always another.

    Raises:
        UniqueViolation: Naming every such place.
    """
    after, errors = change.after, list[InputError]()
    where = (scope.core.store, after.space_key, after.type_key)
    if scope.type.single and await holder_of(*where, THE_ONLY) not in (None, after.id):
        raise Conflict(f"{scope.type.name} has one entry, and there is one already; change that.", code="single_type")
    for locale, slug in (slugs_of(after.body) if given is None else given).items():
        if await holder_of_slug(*where, locale, slug) not in (None, after.id):
            errors.append(InputError("/slug", "taken", f"The slug {slug} ({locale}) belongs to another entry."))
    for key in unique_values(scope.type, after.body):
        if await holder_of(*where, key) not in (None, after.id):
            name = next(field.name for field in scope.type.fields if field.id == key[0])
            errors.append(InputError(f"/{name}", "taken", "Another entry has this value."))
    if errors:
        raise UniqueViolation(errors[0].message, errors=tuple(errors))
