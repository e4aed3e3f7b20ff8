"""What every test may use: an event loop, and stores on both engines with the core's tables."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from maydan.storage import DatabaseSettings, Store, open_store
from maydan.storage.migrations import apply
from maydan.storage.schema import CORE

sys.path.insert(0, str(Path(__file__).parent / "support"))

from postgresql_server import Server, running_server  # pyright: ignore[reportMissingImports] - tests/support
from soaking import examples, is_soaking  # pyright: ignore[reportMissingImports] - tests/support

# A machine that is busy is no mistake of what is tested, and what passed once passes again until something is changed.
settings.register_profile(
    "maydan",
    max_examples=examples(100),
    deadline=None,
    derandomize=not is_soaking(),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("maydan")

LONG = (
    "test_pages", "test_schemathesis", "test_types_under_load", "test_new_plugin", "test_noninterference",
    "test_streams_workers", "test_webhooks_workers", "test_durability", "test_supervisor", "test_plugins", "test_demo",
    "test_faults", "test_imports", "test_attacks_rights", "test_noninterference_reach", "test_bad_observers",
    "test_workers", "test_canary", "test_audited", "test_bulk_streaming", "test_schema",
)  # fmt: skip
"""Files that take long: they come first, so that at the end no process waits for one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first, and leave the others in their order."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One PostgreSQL server for all tests."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the core's tables, to copy."""
    path = tmp_path_factory.mktemp("template") / "maydan.db"

    async def migrate() -> None:
        store = open_store(DatabaseSettings(url=f"sqlite:///{path}"))
        await store.open()
        await apply(store, CORE)
        await store.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a new SQLite database with the core's tables."""
    path = tmp_path / "maydan.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def postgresql_url(postgresql_server: Server) -> AsyncIterator[str]:
    """The address of a new PostgreSQL database with the core's tables."""
    url = await postgresql_server.create()
    yield url
    await postgresql_server.drop(url)


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Store]:
    """An open SQLite store with the core's tables."""
    store = open_store(DatabaseSettings(url=sqlite_url))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def postgresql_store(postgresql_url: str) -> AsyncIterator[Store]:
    """An open PostgreSQL store with the core's tables."""
    store = open_store(DatabaseSettings(url=postgresql_url))
    await store.open()
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a new database with the core's tables, on each engine in turn."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with the core's tables, on each engine in turn."""
    opened = open_store(DatabaseSettings(url=database_url))
    await opened.open()
    yield opened
    await opened.close()
