"""A site on each engine in turn, with two content types."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from site_support import Site, open_articles  # pyright: ignore[reportMissingImports] - tests/support


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space with articles and persons."""
    async with open_articles(database_url) as opened:
        yield opened
