"""The policies of a space for scripts of operators that use Casbin's own tools; commands do not need this."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from maydan.cli.opening import opened_core
from maydan.errors import NotFound
from maydan.operations.core import as_system
from maydan.operations.policy_adapter import PolicyAdapter
from maydan.plugins.discovery import installed_names
from maydan.settings import FILE_NAME, load


@asynccontextmanager
async def open_policies(path: str | Path = FILE_NAME, *, space: str) -> AsyncGenerator[PolicyAdapter]:
    """Open the instance for the length of the block and give the adapter of a space, for ``casbin.AsyncEnforcer``.

    It works beside a running server, and acts as the system, as commands do.

    Args:
        path: The instance's ``maydan.toml``; variables of the environment override it.
        space: The space's name.
    Raises:
        ConfigurationError: The settings are not sound.
        CommandFailed: The database cannot be reached.
        MigrationsPending: The database is older than the code.
        NotFound: There is no such space.
    """
    async with opened_core(load(Path(path), os.environ, plugins=installed_names())) as core:
        if await core.registry.find_space(space) is None:
            raise NotFound(f"There is no space called {space}.")
        yield PolicyAdapter(core, as_system("policies through Casbin"), space)
