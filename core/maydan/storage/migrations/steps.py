"""What a migration is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

from maydan.storage.ports import Transaction

Run = Callable[[Transaction], Awaitable[None]]


class Step(Struct, frozen=True):
    """One step: it and its record are one transaction, so it is done once or not at all.

    Still write it so that it may be repeated (``IF NOT EXISTS``): some databases change tables outside transactions.
    """

    name: str
    sql: str = ""
    """Statements, separated by semicolons, with the names in braces of ``Dialect``."""
    run: Run | None = None
    """Instead of text: code that works in the transaction it is given."""
    only: Literal["sqlite", "postgresql"] | None = None
    """The engine that needs the step; the other one passes over it."""


class Migration(Struct, frozen=True):
    """Steps that belong together."""

    app: str
    """``core`` or the plugin's name."""
    name: str
    """Ascending within the app, such as ``0001_accounts``."""
    steps: tuple[Step, ...]
    table_prefix: str = ""
    """What the names of all tables, indexes and other things that the steps touch must begin with; the plugin host
    sets it from the manifest. Empty for the core: no limit."""


class PlannedStep(Struct, frozen=True):
    """A step that has not been done."""

    app: str
    migration: str
    step: str
    sql: str
    """As the engine will get it; empty for a step that is code."""
    interrupted: bool
    """Whether it was begun before."""
