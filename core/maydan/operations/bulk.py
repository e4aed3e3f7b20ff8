"""Many writes in one request: line by line, or all or nothing; each goes the way that a single one does."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from copy import copy
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, cast

from msgspec import Struct

from maydan.errors import IdempotencyRunning, MaydanError, NotFound, PluginFailed, PluginIsolated, Unavailable
from maydan.operations import entries
from maydan.operations.entries.locales import require_locale
from maydan.operations.gathering import GatheringStore, Late
from maydan.operations.scopes import Scope, scope_of
from maydan.storage.ports import Duplicate, GuardFailed, TableDropped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core
    from maydan.storage.ports import Statement, Store, Transaction

    Seal = Callable[[list["Outcome"]], Sequence[Statement]]

Op: TypeAlias = Literal["create", "update", "replace", "delete", "publish", "unpublish"]

LINES_A_COMMIT: Final = 100
"""Lines that share a commit: on SQLite others wait for so many, about 40 ms."""
_LINES_A_BREATH: Final = 10
"""Other requests are served after so many lines."""


class Line(Struct, frozen=True, kw_only=True):
    """One line as it was read."""

    number: int
    """From 1."""
    op: Op = "create"
    type: str = ""
    id: str = ""
    """Of what is there; for ``replace`` a slug that is not there creates one. Empty for ``create``."""
    data: dict[str, Any] = {}
    locales: tuple[str, ...] | None = None
    """Of ``publish`` and ``unpublish``, as for a single entry; so is ``at``."""
    at: datetime | None = None
    refusal: MaydanError | None = None
    """What is wrong with the line itself."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a line."""

    line: int
    done: Literal["created", "changed", "deleted"] | None = None
    """``None`` where it failed, and nothing of it is stored."""
    id: str | None = None
    error: Exception | None = None


async def run(  # noqa: PLR0913 - each is one choice of the request
    core: Core,
    caller: Caller,
    space: Space,
    lines: Sequence[Line],
    *,
    locale: str | None = None,
    atomic: bool = False,
    dry_run: bool = False,
    seal: Seal | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Carry lines out in their order; each sees what those before it did.

    Args:
        core: The services.
        caller: Who does it.
        space: Where.
        lines: As they were read.
        locale: Of plain values for localised fields; ``None`` is the default locale.
        atomic: All of them or none.
        dry_run: Find out what would happen, and store nothing.
        seal: What to store in the same transaction for the caller; only ``atomic`` has one.
        progress: What was done before, and is left out; what is done now is noted with it. Not for ``atomic``.
    Returns:
        One outcome for each line that was carried out, in their order.
    Raises:
        IdempotencyRunning: Another request goes on with the lines; what was stored here is noted.
        MaydanError: With ``atomic``: what stopped the first line that failed; ``facts["line"]`` is its number.
        BadParameter: The locale is not the space's.
    """
    locale = require_locale(space, locale)
    work = _Bulk(core, caller, space, locale)
    if dry_run:
        return await work.undone(lines, atomic=atomic)
    if atomic:
        return await work.all_of(lines, seal)
    outcomes: list[Outcome] = []
    going = LineByLine(core, space, locale=locale, progress=progress)
    for start in range(going.done, len(lines), LINES_A_COMMIT):
        outcomes += await going.write(caller, lines[start : start + LINES_A_COMMIT])
    return outcomes


class LineByLine:
    """Carries lines out as they come, each for itself."""

    def __init__(
        self, core: Core, space: Space, *, locale: str | None = None, progress: Progress | None = None
    ) -> None:
        """Begin after what was done before; the arguments are those of :func:`run`.

        Raises:
            BadParameter: The locale is not the space's.
        """
        locale = require_locale(space, locale)
        self._work = _Bulk(core, None, space, locale)
        self._progress = progress
        self.done = progress.done if progress else 0
        """Lines that are carried out."""

    async def write(self, caller: Caller, lines: Sequence[Line]) -> list[Outcome]:
        """Carry some lines out in one commit, by the caller's rights of now.

        Raises:
            IdempotencyRunning: Another request goes on with the lines.
        """
        progress = self._progress
        self._work.acts_for(caller)
        outcomes = await self._work.together(lines, partial(progress.statements, self.done) if progress else None)
        if progress:
            progress.noted(outcomes)
        self.done += len(lines)
        return outcomes


class Progress(Protocol):
    """Remembers how far a bulk has come."""

    done: int
    """Lines that were carried out before."""

    def statements(self, first: int, outcomes: Sequence[Outcome], /) -> Sequence[Statement]:
        """Return what notes the outcomes of the lines after the ``first`` ones; it is refused where others go on."""
        ...

    def noted(self, outcomes: Sequence[Outcome]) -> None:
        """Tell that such statements are stored."""
        ...


class _Overtaken(Exception):
    """Another request goes on with the same lines."""


class _Undo(Exception):
    """Leaves a transaction without storing anything."""


class _Bulk:
    """One request's lines."""

    def __init__(self, core: Core, caller: Caller | None, space: Space, locale: str | None) -> None:
        self._core = core
        self._caller = caller
        self._space = space
        self._locale = locale
        self._scopes: dict[str, Scope | None] = {}
        # On PostgreSQL a batch is one statement that is prepared by its text, so that long ones of all kinds cost more.
        self._gathers = core.store.dialect.is_sqlite

    def acts_for(self, caller: Caller) -> None:
        """Go on for a caller by the rights of now."""
        self._caller = caller
        self._scopes.clear()

    async def undone(self, lines: Sequence[Line], *, atomic: bool) -> list[Outcome]:
        """Carry everything out, and take it back."""

        async def attempt() -> list[Outcome]:
            outcomes: list[Outcome] = []
            with suppress(_Undo):
                async with self._core.store.write_transaction():
                    outcomes = await (self._strictly(lines) if atomic else self._each(lines))
                    raise _Undo
            return outcomes

        # An id that was made for nothing helps nobody.
        return [
            Outcome(line=one.line, done=one.done, id=None if one.done == "created" else one.id, error=one.error)
            for one in await self._following(attempt)
        ]

    async def all_of(self, lines: Sequence[Line], seal: Seal | None) -> list[Outcome]:
        """Carry out all lines or, by an error, none."""

        async def work(transaction: Transaction) -> list[Outcome]:
            outcomes = await self._strictly(lines)
            if seal is not None:
                await transaction.apply(seal(outcomes))
            return outcomes

        return await self._following(lambda: self._written(work))

    async def _following(self, attempt: Callable[[], Awaitable[list[Outcome]]]) -> list[Outcome]:
        """Do something in a transaction, once more where a type of the lines, or of what they lead to, is gone."""
        try:
            return await attempt()
        except TableDropped:
            await self._core.revisions.settled()
            self._scopes.clear()
            return await attempt()

    async def together(self, lines: Sequence[Line], note: Seal | None = None) -> list[Outcome]:
        """Carry out some lines that share a commit; when that fails, none of them is stored.

        Where a line fails in a way that nobody foresaw, they are carried out again, each kept apart from the others.
        """
        apart = False

        async def work(transaction: Transaction) -> list[Outcome]:
            outcomes = await self._each(lines, transaction if apart else None)
            if note is not None:
                await _noted(transaction.apply(note(outcomes)))
            return outcomes

        while True:
            try:
                return await self._following(lambda: self._written(work))
            except _Overtaken as error:
                raise _running() from error
            except Exception as error:  # noqa: BLE001 - what happened to these lines must not hide what became of others
                if apart or isinstance(error, Unavailable):
                    outcomes = [Outcome(line=line.number, error=line.refusal or error) for line in lines]
                    break
            apart, self._gathers = True, False
        try:
            if note is not None:
                await _noted(self._core.store.commit(note(outcomes)))
        except _Overtaken as error:
            raise _running() from error
        return outcomes

    async def _written(self, work: Callable[[Transaction], Awaitable[list[Outcome]]]) -> list[Outcome]:
        """Do the work in a transaction: what it stores gathered if that is possible, else one by one."""
        if self._gathers:
            try:
                return await self._core.store.retrying(lambda transaction: self._gathered(transaction, work))
            except Late as error:
                # Only a plugin that may refuse keeps lines from being gathered at all.
                self._gathers = error.__cause__ is not None
            finally:
                self._scopes.clear()
        return await self._core.store.retrying(work)

    async def _gathered(
        self, transaction: Transaction, work: Callable[[Transaction], Awaitable[list[Outcome]]]
    ) -> list[Outcome]:
        core, gathering = self._core, GatheringStore(self._core.store, transaction)
        self._core = copy(core)
        self._core.store = cast("Store", gathering)
        self._scopes.clear()
        try:
            outcomes = await work(transaction)
            await gathering.flush()
        finally:
            self._core = core
        return outcomes

    async def _strictly(self, lines: Sequence[Line]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for line in lines:
            try:
                outcomes.append(await self._carry_out(line))
            except MaydanError as error:
                error.facts = {**error.facts, "line": line.number}
                raise
        return outcomes

    async def _each(self, lines: Sequence[Line], apart: Transaction | None = None) -> list[Outcome]:
        """Carry out lines one by one; within ``apart`` also an error that nobody foresaw is only the line's own."""
        outcomes: list[Outcome] = []
        for line in lines:
            try:
                async with nullcontext() if apart is None else apart.savepoint():
                    outcome = await self._carry_out(line)
                outcomes.append(outcome)
            except (PluginFailed, PluginIsolated) as error:
                outcomes.append(Outcome(line=line.number, error=error))
            except Unavailable:
                raise  # the database's, so the transaction that the lines share is lost
            except Exception as error:
                if apart is None and not isinstance(error, MaydanError):
                    raise
                outcomes.append(Outcome(line=line.number, error=error))
        return outcomes

    async def _carry_out(self, line: Line) -> Outcome:
        """Do what one line says."""
        if line.refusal is not None:
            raise line.refusal
        if line.number % _LINES_A_BREATH == 0:
            await asyncio.sleep(0)
        scope = await self._scope(line.type)
        if line.op == "create":
            view = await entries.create(scope, line.data, locale=self._locale)
            return Outcome(line=line.number, done="created", id=view.id)
        if line.op == "delete":
            entry_id = await entries.delete(scope, line.id, precondition=_any_version)
            return Outcome(line=line.number, done="deleted", id=entry_id)
        if line.op in ("publish", "unpublish"):
            verb = entries.publish if line.op == "publish" else entries.unpublish
            view = await verb(scope, line.id, locales=line.locales, at=line.at)
            return Outcome(line=line.number, done="changed", id=view.id)
        if line.op == "replace":
            view, is_new = await entries.put(scope, line.id, line.data, precondition=_any_version, locale=self._locale)
            return Outcome(line=line.number, done="created" if is_new else "changed", id=view.id)
        view = await entries.change(
            scope, line.id, line.data, replace=False, precondition=_any_version, locale=self._locale
        )
        return Outcome(line=line.number, done="changed", id=view.id)

    async def _scope(self, name: str) -> Scope:
        if name not in self._scopes:
            try:
                assert self._caller is not None
                scope = await scope_of(self._core, self._caller, self._space, name)
                scope.is_shown = False
                self._scopes[name] = scope
            except NotFound:
                self._scopes[name] = None
        scope = self._scopes[name]
        if scope is None:
            raise NotFound
        return scope


async def _noted(noting: Awaitable[None]) -> None:
    try:
        await noting
    except (GuardFailed, Duplicate) as error:
        raise _Overtaken from error


def _running() -> IdempotencyRunning:
    return IdempotencyRunning("Another request with this Idempotency-Key goes on with the lines.", retry_after_s=1)


def _any_version(_version: int) -> None:
    """A line names no version that it wants to change."""
