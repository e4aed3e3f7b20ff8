"""Piccolo's tables live in the store: the same connections, the same transactions."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from piccolo.columns import UUID, Boolean, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.table import Table

from maydan.storage import Duplicate, Store
from maydan.storage.orm import bind_tables

pytestmark = pytest.mark.anyio


class Mug(Table, tablename="mugs"):
    """A mug."""

    id = UUID(primary_key=True)
    name = Varchar(unique=True)
    size = Integer(default=1)
    is_full = Boolean(default=False)
    made_at = Timestamptz()


class Spoon(Table, tablename="spoons"):
    """A spoon in a mug."""

    id = UUID(primary_key=True)
    mug = ForeignKey(references=Mug)


@pytest.fixture
async def mugs(store: Store) -> Store:
    """A store with the two tables."""
    bind_tables(store, [Mug, Spoon])
    await Mug.create_table()
    await Spoon.create_table()
    return store


async def test_rows_keep_their_types(mugs: Store) -> None:
    """What is written comes back as Piccolo's columns say, inside a transaction and outside."""
    made_at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    key = uuid.uuid4()
    await Mug.insert(Mug(id=key, name="a", size=3, is_full=True, made_at=made_at))
    expected = [{"id": key, "name": "a", "size": 3, "is_full": True, "made_at": made_at}]
    assert await Mug.select() == expected
    async with mugs.write_transaction():
        assert await Mug.select() == expected
    mug = await Mug.objects().get(Mug.name == "a")
    assert mug is not None
    assert mug.made_at == made_at


async def test_queries_belong_to_the_transaction_around_them(mugs: Store) -> None:
    """Undone with it, and together with raw statements."""

    async def fail() -> None:
        async with mugs.write_transaction() as transaction:
            await Mug.insert(Mug(name="a"))
            await transaction.execute("UPDATE mugs SET size = 8")
            assert (await Mug.select(Mug.size).first()) == {"size": 8}
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await Mug.count() == 0


async def test_piccolos_own_transactions_are_the_stores(mugs: Store) -> None:
    """``transaction()`` and ``atomic()`` go the one way to write."""
    engine = Mug._meta.db

    async def fail() -> None:
        async with engine.transaction():
            await Mug.insert(Mug(name="a"))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await Mug.count() == 0
    atomic: Any = engine.atomic()
    atomic.add(Mug.insert(Mug(name="b")), Mug.insert(Mug(name="c")))
    await atomic.run()
    assert await Mug.count() == 2


async def test_many_writers_at_once_are_no_problem(mugs: Store) -> None:
    """Piccolo's own engine answers with a locked database here."""
    await Mug.insert(Mug(name="counter", size=0))

    async def count() -> None:
        async with mugs.write_transaction():
            await Mug.update({Mug.size: Mug.size + 1}).where(Mug.name == "counter")

    await asyncio.gather(*(count() for _ in range(40)), *(Mug.insert(Mug(name=f"{n}")) for n in range(40)))
    assert await Mug.select(Mug.size).where(Mug.name == "counter").first() == {"size": 40}
    assert await Mug.count() == 41


async def test_a_duplicate_is_the_stores_error(mugs: Store) -> None:
    """The same on both engines."""
    await Mug.insert(Mug(name="a"))
    with pytest.raises(Duplicate) as refused:
        await Mug.insert(Mug(name="a"))
    assert refused.value.constraint == "mugs.name"


async def test_joins_objects_and_batches_work(mugs: Store) -> None:
    """The usual ways to read."""
    mug = Mug(name="a", size=5)
    await mug.save()
    await Spoon.insert(*(Spoon(mug=mug) for _ in range(5)))
    assert await Spoon.select(Spoon.mug.name).first() == {"mug.name": "a"}
    async with await Spoon.select().batch(batch_size=2) as batch:
        sizes = [len(rows) async for rows in batch]
    assert sizes == [2, 2, 1]
    mug.size = 6
    await mug.save()
    assert (await Mug.objects().get_or_create(Mug.name == "a")).size == 6
    await Mug.delete(force=True)


async def test_a_write_that_begins_with_with_is_found_out(mugs: Store) -> None:
    """What looks like a read but writes is written."""
    await Mug.insert(Mug(name="a"))
    await Mug.raw("WITH one AS (SELECT 'a' AS name) UPDATE mugs SET size = 7 WHERE name IN (SELECT name FROM one)")
    assert await Mug.select(Mug.size).first() == {"size": 7}
