"""Migrations on PostgreSQL: an advisory lock, and a comparison of catalogues that keeps a plugin to its own tables."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from maydan.errors import PluginRejected
from maydan.storage.ports import Transaction
from maydan.storage.postgresql.log_clock import raise_log_clock

if TYPE_CHECKING:
    from maydan.storage.postgresql.store import PostgreSQLStore
    from maydan.storage.postgresql.transaction import PostgreSQLTransaction

_LOCK_KEY: Final = 0x6D61_7964_616E
"""``maydan`` in ASCII."""

_OBJECTS: Final = """
WITH spaces AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
)
SELECT 'schema', nspname::text, nspname::text, '' FROM spaces
UNION ALL
SELECT 'table', c.relname::text, c.relname::text, concat_ws('|', c.oid, c.relkind, c.relfilenode, c.relowner,
    c.reloptions::text, c.relacl::text, c.relrowsecurity,
    (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            (SELECT md5(d.adbin::text) FROM pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum)),
            ',' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT string_agg(concat_ws(' ', k.oid, k.conname, k.convalidated), ',' ORDER BY k.oid)
        FROM pg_constraint k WHERE k.conrelid = c.oid),
    (SELECT string_agg(concat_ws(' ', t.oid, t.tgname, t.tgenabled), ',' ORDER BY t.oid)
        FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal))
FROM pg_class c JOIN spaces n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'index', i.relname::text, t.relname::text, concat_ws('|', i.oid, i.relfilenode)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN spaces n ON n.oid = i.relnamespace
UNION ALL
SELECT 'sequence', c.relname::text, c.relname::text, c.oid::text
FROM pg_class c JOIN spaces n ON n.oid = c.relnamespace WHERE c.relkind = 'S'
UNION ALL
SELECT 'function', p.proname::text, p.proname::text, concat_ws('|', p.oid, md5(p.prosrc))
FROM pg_proc p JOIN spaces n ON n.oid = p.pronamespace
"""
# The counts may include what the same session did before: they are compared too.
_WRITTEN: Final = "SELECT relname::text, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"


class PostgreSQLMigrations:
    """What the runner needs to know about PostgreSQL."""

    def __init__(self, store: PostgreSQLStore) -> None:
        """Work on the store's database."""
        self._store = store

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        """Hold an advisory lock on a connection of its own; the server releases it when the connection ends."""
        connection = await self._store.connect()
        try:
            await connection.execute("SET statement_timeout = 0")
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
            yield
        finally:
            connection.terminate()

    async def has_table(self) -> bool:
        """Whether the table of migrations exists."""
        row = await self._store.fetch_one("SELECT to_regclass('maydan_migrations') IS NOT NULL")
        return row is not None and bool(row[0])

    async def prepare(self, transaction: Transaction, *, is_limited: bool) -> None:
        """Let a step take its time; with a prefix, let it see only its own changes to the catalogue."""
        if is_limited:
            await transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await transaction.execute("SET LOCAL statement_timeout = 0")

    async def execute(self, transaction: Transaction, sql: str) -> None:
        """Run the text as a whole."""
        await transaction.execute(sql)

    @asynccontextmanager
    async def limit(self, transaction: Transaction, prefix: str) -> AsyncGenerator[None]:
        """Compare the catalogue before and after, and the tables that were written, and refuse what is another's."""
        before = set(await transaction.fetch_all(_OBJECTS))
        written = dict(await transaction.fetch_all(_WRITTEN))
        yield
        if not cast("PostgreSQLTransaction", transaction).connection.is_in_transaction():
            raise _rejected("the transaction itself", prefix)
        for _, name, table, _ in before ^ set(await transaction.fetch_all(_OBJECTS)):
            if not (name.startswith(prefix) and table.startswith(prefix)):
                raise _rejected(name if table.startswith(prefix) else table, prefix)
        for name, count in await transaction.fetch_all(_WRITTEN):
            if not name.startswith(prefix) and count != written.get(name, 0):
                raise _rejected(name, prefix)

    async def finish(self) -> None:
        """Bring the log's clock up to date."""
        await raise_log_clock(self._store)


def _rejected(name: str, prefix: str) -> PluginRejected:
    return PluginRejected(
        f"The plugin's migration touches {name}, which does not begin with its table prefix {prefix}; nothing of the"
        " step was stored."
    )
