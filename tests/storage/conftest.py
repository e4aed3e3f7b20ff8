"""The stores' own tests run on the oldest PostgreSQL too, where its programs are found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from postgresql_server import Server, oldest_binaries, running_server  # pyright: ignore[reportMissingImports]

ENGINES = ["sqlite", "postgresql", *(["oldest_postgresql"] if oldest_binaries() else [])]


@pytest.fixture(scope="session")
def oldest_postgresql_server() -> Iterator[Server]:
    """One server of the oldest version for all tests."""
    with running_server(oldest_binaries()) as server:
        yield server


@pytest.fixture
async def oldest_postgresql_url(oldest_postgresql_server: Server) -> AsyncIterator[str]:
    """The address of a new database on the oldest version, with the core's tables."""
    url = await oldest_postgresql_server.create()
    yield url
    await oldest_postgresql_server.drop(url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a new database with the core's tables, on each engine in turn."""
    return request.getfixturevalue(f"{request.param}_url")
