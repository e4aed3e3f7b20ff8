"""What a store offers, the same on SQLite and PostgreSQL.

SQL is written once, with ``?`` for parameters (never inside the text) and, where the engines differ, the names in
braces that ``Dialect`` knows, such as ``{json}``. Values cross the border as: uuid ``str`` in, ``str(value)`` on
read; json ``str`` both ways; a moment as an aware ``datetime``, read back with ``Dialect.read_time``; ``bool``. A
value that does not fit is the caller's mistake: ``ValueError`` or ``OverflowError``.

A **batch** is a list of statements that are stored together or not at all. On PostgreSQL it is one statement, so all
parts see the database as it was before the batch. Write it so that it means the same on both engines:

- no two statements touch the same row, and none reads what another one writes;
- guarded statements (``expect``) come first, parents come before the children that reference them;
- each is an INSERT, UPDATE or DELETE without RETURNING, or a SELECT whose rows are counted by ``expect``;
- parts of one table are written alike (the same SQL text with other arguments), or better as one statement with many
  rows: the combined text is what the engine's plan cache knows.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from msgspec import Struct

from maydan.errors import Unavailable

if TYPE_CHECKING:
    from maydan.storage.dialects import Dialect
    from maydan.storage.signals import Signals

T = TypeVar("T")

Row = tuple[Any, ...]
"""One row, its values in the order of the columns."""


class Statement(Struct, frozen=True):
    """One statement of a batch."""

    sql: str
    args: tuple[Any, ...] = ()
    expect: int | None = None
    """Rows that must be affected; another number raises ``GuardFailed`` and nothing of the batch is stored."""
    signal: str | None = None
    """Told to ``Store.signals`` after commit, such as ``log`` or ``revision:types``."""
    numbered: bool = False
    """Whether the text uses ``{log_position}`` as the last of its values: the store then adds the event's ordinal."""


class ConstraintFailed(Exception):
    """The database refused a row: a missing parent, a check, a null.

    Attributes:
        kind: ``unique``, ``foreign_key``, ``check``, ``not_null`` or ``other``.
    """

    def __init__(self, message: str, kind: str = "other") -> None:
        """Keep the driver's message and what kind of constraint it was."""
        super().__init__(message)
        self.kind = kind


class Duplicate(ConstraintFailed):
    """A unique index refused a row.

    Attributes:
        constraint: ``table.column,column`` in the index's order, such as ``maydan_slugs.space_key,locale,slug``;
            for an index over expressions its name. The same on both engines.
    """

    def __init__(self, constraint: str) -> None:
        """Keep which unique index it was."""
        super().__init__(f"A row with the same {constraint} exists.", "unique")
        self.constraint = constraint


class GuardFailed(Exception):
    """A statement affected another number of rows than it expected; nothing of its batch is stored.

    Attributes:
        index: Which statement of the batch, from 0.
    """

    def __init__(self, index: int, expected: int | None = None, affected: int | None = None) -> None:
        """Keep which statement it was."""
        super().__init__(f"Statement {index} of the batch affected {affected} rows and not {expected}.")
        self.index = index


class TableDropped(Unavailable):
    """A content type has no tables any more: it was deleted after it was looked up.

    Whoever lets the registry catch up, and begins anew, finds that out.
    """

    code = "race"


_OF_A_TYPE: Final = re.compile(r"\bmaydan_(?:documents|trigrams)_\d+\b")


def dropped(message: str) -> TableDropped | None:
    """Return what a missing table means, by what the database says of it; ``None`` where it is not one of a type."""
    if _OF_A_TYPE.search(message) is None:
        return None
    return TableDropped("The content type was changed at the same moment; try again.", retry_after_s=1)


class Reader(Protocol):
    """Reads rows."""

    async def fetch_all(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows."""
        ...

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """Return the first row, or None."""
        ...


class Transaction(Reader, Protocol):
    """Everything inside is stored together, when the block is left without an error; reads see its own writes."""

    async def execute(self, sql: str, *args: Any) -> int:
        """Run one statement and return how many rows it affected."""
        ...

    async def execute_heavy(self, sql: str, *args: Any) -> int:
        """Run one statement that may take longer than a millisecond, without holding up other requests' code."""
        ...

    async def apply(self, batch: Sequence[Statement]) -> None:
        """Run a batch, in one round trip on PostgreSQL.

        A refused batch leaves the transaction unusable on PostgreSQL: leave the block, or put it in a savepoint.

        Raises:
            GuardFailed: A statement affected another number of rows than it expects.
            Duplicate: A unique index refused a row.
        """
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Return a block that is undone alone when it is left with an error or cancelled."""
        ...


class Store(Reader, Protocol):
    """A database."""

    @property
    def dialect(self) -> Dialect:
        """What differs between the engines."""
        ...

    @property
    def signals(self) -> Signals:
        """Tells listeners in this process what was committed, here and by others."""
        ...

    @property
    def engine(self) -> Any:
        """The Piccolo engine over the same connections; ``bind_tables`` gives it to a plugin's tables."""
        ...

    async def fetch_point(self, sql: str, *args: Any) -> Row | None:
        """Return the first row; promises that an index leads straight to it.

        SQLite reads it on the loop. PostgreSQL sends those together that come while another one is in flight, so it
        must be a SELECT that only reads.
        """
        ...

    async def fetch_shared(self, sql: str, *args: Any) -> list[Row]:
        """Return all rows of a SELECT that only reads, and that many may ask for at the same moment.

        The rows are those of the moment, or of a later one: they may have been read before only where nothing was
        committed since. On PostgreSQL those who ask for the same while it is in flight share the next answer. The
        arguments must be hashable, and the statement depends on nothing but them and what is stored.
        """
        ...

    async def commit(self, batch: Sequence[Statement]) -> None:
        """Store a batch on its own: when this returns, it survives ``kill -9``.

        Inside ``write_transaction`` of the same task it joins that transaction instead.

        Raises:
            GuardFailed: A statement affected another number of rows than it expects.
            Duplicate: A unique index refused a row.
            PoolExhausted: No connection became free in time.
        """
        ...

    def write_transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Return a block of reads and writes that is stored as a whole; inside another one it is a savepoint.

        On SQLite it holds up every other writer, so nothing slow belongs inside.
        """
        ...

    async def retrying(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run the work in a write transaction, again when the database lost a race with another (40001, 40P01)."""
        ...

    async def checkpoint(self) -> bool:
        """Empty what SQLite keeps beside the file, with all that was deleted there; ``False`` where others read it.

        A server of PostgreSQL sees to its files itself.
        """
        ...

    def watch(self) -> None:
        """Begin to notice what other processes commit and tell ``signals``; ends with :meth:`close`."""
        ...

    async def open(self) -> None:
        """Connect."""
        ...

    async def close(self) -> None:
        """Wait for what is running and disconnect."""
        ...
