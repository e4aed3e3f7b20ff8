"""A site on each engine in turn, with two content types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support
from statements import over_the_wall, recorded  # pyright: ignore[reportMissingImports] - tests/support

# Their asserts are the tests of the hooks, and are to say as much as others when they fail.
pytest.register_assert_rewrite("probing", "probing_bringing", "probing_refusing")


@pytest.fixture(scope="session")
def statements_of_all() -> Iterator[set[str]]:
    """The SQL of all tests of this folder; at the end each statement names the space that it is about."""
    seen: set[str] = set()
    yield seen
    told = over_the_wall(seen)
    assert not told, "These statements look at tables of spaces without naming the space:\n" + "\n".join(told)


@pytest.fixture(autouse=True)
def _read_along(statements_of_all: set[str]) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction] - pytest's
    with recorded() as statements:
        yield
    statements_of_all |= statements


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space with articles and persons."""
    async with open_articles(database_url) as opened:
        yield opened
