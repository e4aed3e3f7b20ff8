"""A site on each engine in turn, with two content types."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """A space with articles and persons."""
    async with open_site(database_url) as opened:
        await opened.define(PERSON)
        await opened.define(ARTICLE)
        yield opened
