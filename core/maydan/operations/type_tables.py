"""Changing a content type's document table in the transaction that changes the type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.operations.indexing import require_short
from maydan.operations.plans import PUBLICATIONS
from maydan.operations.rebuilding import rebuild_type
from maydan.storage import documents, trigrams
from maydan.storage.ports import Statement
from maydan.storage.registry import definition_json
from maydan.storage.revisions import bump
from maydan.workflow import moves_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.storage.ports import Store, Transaction


async def next_type_key(transaction: Transaction) -> int:
    """Return a number that no type has or had; it names the document table. Who asks at the same moment waits.

    What was read of a type that is deleted meanwhile must not be taken for the next one: so it is the number of changes
    of all types, which never goes back.
    """
    await transaction.apply([bump("types")])
    sql = "SELECT revision, (SELECT COALESCE(MAX(key), 0) + 1 FROM maydan_types) FROM maydan_revisions WHERE scope = ?"
    row = await transaction.fetch_one(sql, "types")
    return max(row) if row else 1


async def add_type(store: Store, transaction: Transaction, space_key: int, content_type: ContentType) -> None:
    """Store a new type and make its document table."""
    await transaction.apply(
        [
            Statement(
                "INSERT INTO maydan_types (key, space_key, name, definition, version) VALUES (?,?,?,?,?)",
                (content_type.key, space_key, content_type.name, definition_json(content_type), content_type.version),
            )
        ]
    )
    for ddl in documents.create_table(content_type, store.dialect.name):
        await transaction.execute(ddl)


async def replace_type(
    store: Store, transaction: Transaction, before: ContentType, after: ContentType, spaces: Sequence[Space]
) -> None:
    """Store a changed type, change its indexes, and render its documents anew in the spaces that have any.

    Who writes an entry of the type at the same moment is stored before, or waits and does it by the changed type.

    Raises:
        GuardFailed: Somebody else changed the type first.
        Conflict: Entries have texts that a new index cannot hold.
    """
    await documents.lock(transaction, before, store.dialect.name)
    for space in spaces:
        await require_short(store, transaction, before, after, space.key)
    await transaction.apply(
        [
            Statement(
                "UPDATE maydan_types SET definition = ?, version = ? WHERE key = ? AND version = ?",
                (definition_json(after), after.version, after.key, before.version),
                expect=1,
            )
        ]
    )
    old, new = documents.indexes(before, store.dialect.name), documents.indexes(after, store.dialect.name)
    for name in sorted(old.keys() - new.keys()):
        await transaction.execute(f"DROP INDEX IF EXISTS {name}")
    retold = store.dialect.is_sqlite and trigrams.indexed_texts(before) != trigrams.indexed_texts(after)
    for ddl in trigrams.drop(before.key) if retold else ():
        await transaction.execute(ddl)
    if before.drafts != after.drafts:
        for space in spaces:
            await _withdraw(transaction, after, space.key)
    renders_anew = (before.fields, before.drafts) != (after.fields, after.drafts)
    if renders_anew or moves_entries(before.workflow, after.workflow):
        for space in spaces:
            await rebuild_type(store, transaction, after, space, space)
    for name in sorted(new.keys() - old.keys()):
        await transaction.execute(new[name])
    for ddl in trigrams.create(after, documents.table_of(after)) if retold else ():
        await transaction.execute(ddl)


async def _withdraw(transaction: Transaction, content_type: ContentType, space_key: int) -> None:
    """Take back everything that is published of a type's entries in a space, and all of their documents.

    A type without drafts has no publications: every entry is readable as it is. One that gets drafts starts with
    none, as who may read what is published of it may be more than who could read it until then.
    """
    entries = "SELECT id FROM maydan_entries WHERE space_key = ? AND type_key = ?"
    where = (space_key, content_type.key)
    of_type = "WHERE space_key = ? AND type_key = ?"
    for sql in (
        f"UPDATE maydan_entries SET published = NULL, revision = revision + 1 {of_type} AND published IS NOT NULL",
        f"UPDATE maydan_slugs SET in_published = FALSE {of_type} AND in_published = TRUE",
        f"DELETE FROM maydan_unique_values {of_type} AND in_draft = FALSE",
        f"UPDATE maydan_unique_values SET in_published = FALSE {of_type} AND in_published = TRUE",
    ):
        await transaction.execute_heavy(sql, *where)
    links = f"DELETE FROM maydan_links WHERE space_key = ? AND perspective = ? AND source_id IN ({entries})"
    await transaction.execute_heavy(links, space_key, documents.PUBLISHED, *where)
    kinds = ",".join("?" * len(PUBLICATIONS))
    plans = f"DELETE FROM maydan_jobs WHERE space_key = ? AND kind IN ({kinds}) AND subject_id IN ({entries})"
    await transaction.execute_heavy(f"{plans} AND status IN ('waiting', 'failed')", space_key, *PUBLICATIONS, *where)
    await transaction.execute_heavy(f"DELETE FROM {documents.table_of(content_type)} WHERE space_key = ?", space_key)


async def drop_type(transaction: Transaction, space_key: int, content_type: ContentType) -> None:
    """Remove a type with all of its entries, for good; the caller has locked its documents."""
    await clear_type(transaction, space_key, content_type)
    await transaction.execute("DELETE FROM maydan_types WHERE space_key = ? AND key = ?", space_key, content_type.key)
    await _drop_tables(transaction, content_type.key)


async def _drop_tables(transaction: Transaction, type_key: int) -> None:
    for table in (documents.table_name(type_key), trigrams.table_name(type_key)):
        await transaction.execute(f"DROP TABLE IF EXISTS {table}")


async def clear_type(transaction: Transaction, space_key: int, content_type: ContentType) -> None:
    """Remove the entries that a space has of a type, for good."""
    entries = "SELECT id FROM maydan_entries WHERE space_key = ? AND type_key = ?"
    where = (space_key, content_type.key)
    comments = "SELECT id FROM maydan_comments WHERE space_key = ? AND type_key = ?"
    for targets in (entries, comments):
        sql = f"DELETE FROM maydan_imports WHERE space_key = ? AND target_id IN ({targets})"
        await transaction.execute(sql, space_key, *where)
    for table, column in (
        ("maydan_versions", "entry_id"),
        ("maydan_links", "source_id"),
        ("maydan_jobs", "subject_id"),
        ("maydan_locks", "entry_id"),
    ):
        sql = f"DELETE FROM {table} WHERE space_key = ? AND {column} IN ({entries})"
        await transaction.execute(sql, space_key, *where)
    # The entries wait for whoever holds one to comment on it or to share it, which then goes as well.
    for table in (
        "maydan_slugs", "maydan_unique_values", "maydan_entries", "maydan_comments", "maydan_previews", "maydan_shares",
    ):  # fmt: skip
        await transaction.execute(f"DELETE FROM {table} WHERE space_key = ? AND type_key = ?", *where)
    await transaction.execute(f"DELETE FROM {documents.table_of(content_type)} WHERE space_key = ?", space_key)


async def remove_own_types(transaction: Transaction, space_key: int) -> None:
    """Remove the types that a space defined for itself, with their document tables."""
    for (key,) in await transaction.fetch_all("SELECT key FROM maydan_types WHERE space_key = ?", space_key):
        await _drop_tables(transaction, key)
    await transaction.execute("DELETE FROM maydan_types WHERE space_key = ?", space_key)
