"""Digests in place of unique values that no index of PostgreSQL holds; trigrams of long texts in less time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.storage.migrations import Migration, Step
from maydan.storage.names import LONGEST_VALUE_BYTES, kept_value
from maydan.storage.trigrams import FUNCTION

if TYPE_CHECKING:
    from maydan.storage.ports import Transaction

_KEY: Final = "space_key, type_key, field_id, locale, value"
# So many characters may be more bytes than are kept.
_SELECT: Final = f"SELECT {_KEY} FROM maydan_unique_values WHERE length(value) > {LONGEST_VALUE_BYTES // 4:d}"
_UPDATE: Final = (
    "UPDATE maydan_unique_values SET value = ?"
    " WHERE space_key = ? AND type_key = ? AND field_id = ? AND locale = ? AND value = ?"
)


async def _digest(transaction: Transaction) -> None:
    for *key, value in await transaction.fetch_all(_SELECT):
        if (kept := kept_value(value)) != value:
            await transaction.execute(_UPDATE, kept, *key, value)


MIGRATION: Final = Migration(
    app="core",
    name="0007_content",
    steps=(
        Step(name="long_values", run=_digest),
        Step(name="function", sql=FUNCTION, only="postgresql"),
    ),
)
