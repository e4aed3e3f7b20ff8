"""Fixtures for plugin authors; pytest loads this by itself wherever Maydan is installed.

.. code-block:: python

    @pytest.mark.anyio
    async def test_a_draft_is_unreadable_until_published(site: Site) -> None:
        entry = await site.draft("tickets.ticket", seat="4A")
        assert await site.find(entry) is None
        await site.publish(entry)
        assert await site.find(entry) is not None

It imports nothing of Maydan before a test asks for it. ``site`` keeps to the scope of a function: a fresh database, a
fresh host. Your own fixtures may override ``maydan_plugins`` and ``maydan_settings``.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncGenerator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from maydan.testing.site import Site


@pytest.fixture
def maydan_plugins(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The plugins of the instance under test: that of the nearest ``pyproject.toml`` above the test."""
    return _plugins_of(request.path.parent)


@pytest.fixture
def maydan_settings() -> Mapping[str, Mapping[str, Any]]:
    """Tables of ``maydan.toml`` for the instance under test, such as ``{"tickets": {"seats": 40}}``."""
    return {}


@pytest.fixture
async def site(
    anyio_backend: str,  # noqa: ARG001 - by asking for it, the fixture runs on the test's loop
    tmp_path: Path,
    maydan_plugins: tuple[str, ...],
    maydan_settings: Mapping[str, Mapping[str, Any]],
) -> AsyncGenerator[Site]:
    """An instance in this process with nothing but the plugin under test (and what that requires)."""
    from maydan.testing.site import open_site

    async with open_site(tmp_path, maydan_plugins, settings=maydan_settings) as opened:
        yield opened


@cache
def _plugins_of(folder: Path) -> tuple[str, ...]:
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        if file.is_file():
            project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
            entries: dict[str, str] = project.get("entry-points", {}).get("maydan.plugins", {})
            if entries:
                return tuple(entries)
    return ()
