"""Fills a database with more entries than anybody wants to send: copies of one that was written over HTTP.

An entry is a few rows; each copy of a row has the copy's id and texts in the place of the original's. That is what the
server would have written, but for the log, at a hundred times the speed. The server does not run meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from maydan.ids import new_id

TABLES: Final = {
    "maydan_entries": "id", "maydan_versions": "entry_id", "maydan_slugs": "entry_id", "maydan_links": "source_id",
}  # fmt: skip
CHUNK: Final = 20_000
Texts = Callable[[int], dict[str, str]]
"""Gives for the number of a copy what stands in the place of which texts."""


class Database:
    """The tables of an instance that does not run."""

    def __init__(self, url: str, folder: Any) -> None:
        """Take the address as the instance has it."""
        self._url = url
        self._file = folder / url.removeprefix("sqlite:///") if url.startswith("sqlite") else None

    def copy_entry(self, type_name: str, entry_id: str, numbers: Iterable[int], texts: Texts) -> list[str]:
        """Write a copy of an entry for each number; return their ids."""
        ids: list[str] = []
        for chunk in _chunks(numbers):
            changes = [{entry_id: new_id(), **texts(number)} for number in chunk]
            ids += [change[entry_id] for change in changes]
            for table, column in {**TABLES, self._documents(type_name): "entry_id"}.items():
                names, rows = self._rows(table, column, entry_id)
                self._write(table, names, (_changed(row, change) for change in changes for row in rows))
        return ids

    def copy_versions(self, entry_id: str, until: int) -> None:
        """Give an entry as many versions, all like its newest one."""
        names, rows = self._rows("maydan_versions", "entry_id", entry_id)
        version = names.index("version")
        newest = max(rows, key=lambda row: int(row[version]))
        for chunk in _chunks(range(newest[version] + 1, until + 1)):
            made = ((*newest[:version], number, *newest[version + 1 :]) for number in chunk)
            self._write("maydan_versions", names, made)
        self._run("UPDATE maydan_entries SET version = $1 WHERE id = $2", until, entry_id)

    def tidy(self) -> None:
        """Let the database know what it holds, as it does by itself after a while."""
        self._run("ANALYZE")

    def _documents(self, type_name: str) -> str:
        (row,) = self._fetch("SELECT key FROM maydan_types WHERE name = $1", type_name)[1]
        return f"maydan_documents_{row[0]}"

    def _rows(self, table: str, column: str, entry_id: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        names, rows = self._fetch(f"SELECT * FROM {table} WHERE {column} = $1", entry_id)  # noqa: S608 - our own names
        if names[0] != "row_id":
            return names, rows
        return names[1:], [row[1:] for row in rows]  # each row gets a number of its own

    def _fetch(self, sql: str, *args: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
        if self._file is not None:
            with sqlite3.connect(self._file) as connection:
                found = connection.execute(sql.replace("$1", "?"), args)
                return [column[0] for column in found.description], found.fetchall()

        async def fetch(connection: asyncpg.Connection) -> tuple[list[str], list[tuple[Any, ...]]]:
            statement = await connection.prepare(sql)
            names = [attribute.name for attribute in statement.get_attributes()]
            return names, [tuple(row) for row in await statement.fetch(*args)]

        return self._on_postgresql(fetch)

    def _write(self, table: str, names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        if self._file is not None:
            marks = ",".join("?" * len(names))
            with sqlite3.connect(self._file) as connection:
                connection.execute("PRAGMA synchronous = OFF")
                connection.executemany(f"INSERT INTO {table} ({','.join(names)}) VALUES ({marks})", rows)  # noqa: S608
            return

        async def copy(connection: asyncpg.Connection) -> None:
            await connection.copy_records_to_table(table, records=rows, columns=names)

        self._on_postgresql(copy)

    def _run(self, sql: str, *args: Any) -> None:
        if self._file is not None:
            with sqlite3.connect(self._file) as connection:
                connection.execute(sql.replace("$1", "?").replace("$2", "?"), args)
            return

        async def run(connection: asyncpg.Connection) -> None:
            await connection.execute(sql, *args)

        self._on_postgresql(run)

    def _on_postgresql(self, work: Callable[[Any], Any]) -> Any:
        async def connected() -> Any:
            connection = await asyncpg.connect(self._url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(connected())


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    chunk: list[int] = []
    for number in numbers:
        chunk.append(number)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _changed(row: tuple[Any, ...], change: dict[str, str]) -> tuple[Any, ...]:
    """Return a row with texts replaced, ids too."""
    return tuple(_replaced(value, change) for value in row)


def _replaced(value: Any, change: dict[str, str]) -> Any:
    if isinstance(value, UUID):
        return UUID(change.get(str(value), str(value)))
    if not isinstance(value, str):
        return value
    for before, after in change.items():
        if before in value:
            value = value.replace(before, after)
    return value
