"""The policies of a space for scripts of operators that use Casbin's own tools; commands do not need this."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from maydan.cli.opening import opened_core
from maydan.errors import ConfigurationError, NotFound
from maydan.operations.core import as_system
from maydan.operations.policy_adapter import PolicyAdapter
from maydan.plugins.discovery import installed_names
from maydan.settings import FILE_NAME, Settings, load, variable_name

_SQLITE: Final = "sqlite:///"


@asynccontextmanager
async def open_policies(path: str | Path = FILE_NAME, *, space: str) -> AsyncGenerator[PolicyAdapter]:
    """Open the instance for the length of the block and give the adapter of a space, for ``casbin.AsyncEnforcer``.

    It works beside a running server, and acts as the system, as commands do.

    Args:
        path: The instance's ``maydan.toml``; variables of the environment override it. Commands run in its folder, and
            a relative SQLite file is one in that folder here too; one that a variable names, in the working directory.
        space: The space's name.
    Raises:
        ConfigurationError: The settings are not sound, or there is no such SQLite file; none is made.
        CommandFailed: The database cannot be reached.
        MigrationsPending: The database is older than the code.
        NotFound: There is no such space.
    """
    settings = _located(load(Path(path), os.environ, plugins=installed_names()), Path(path))
    async with opened_core(settings) as core:
        if await core.registry.find_space(space) is None:
            raise NotFound(f"There is no space called {space}.")
        yield PolicyAdapter(core, as_system("policies through Casbin"), space)


def _located(settings: Settings, path: Path) -> Settings:
    """Return the settings with the whole path of a SQLite file, which must be there: opening it would make one."""
    database = settings.database
    if not database.url.startswith(_SQLITE):
        return settings
    folder = Path() if variable_name("database", "url") in os.environ else path.parent
    file = folder.absolute() / database.url.removeprefix(_SQLITE)
    if not file.is_file():
        raise ConfigurationError(f"There is no database {file}; `maydan init` makes one where an instance is to be.")
    return msgspec.structs.replace(settings, database=msgspec.structs.replace(database, url=f"{_SQLITE}{file}"))
