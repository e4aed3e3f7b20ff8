"""The instance in the working directory: its settings, its database, its services."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from maydan.cli.failures import CommandFailed
from maydan.errors import ConfigurationError, Unavailable
from maydan.plugins.discovery import installed_names
from maydan.secret import mask_url
from maydan.settings import FILE_NAME, Settings, load, variable_name
from maydan.storage.migrations import Migration
from maydan.storage.opening import open_store
from maydan.storage.ports import Store
from maydan.storage.schema import CORE
from maydan.storage.settings import DatabaseSettings


def load_settings() -> Settings:
    """Read ``maydan.toml`` here and the environment; what looks like a mistyped variable is a line on stderr."""
    settings = load(Path(FILE_NAME), os.environ, plugins=installed_names())
    for warning in settings.warnings:
        print(f"maydan: warning: {warning}", file=sys.stderr)
    return settings


def find_settings() -> Settings | None:
    """Return the settings, or ``None`` outside an instance: for commands that make sense before ``init``."""
    if not Path(FILE_NAME).exists() and variable_name("database", "url") not in os.environ:
        return None
    return load_settings()


@asynccontextmanager
async def opened_store(settings: DatabaseSettings) -> AsyncGenerator[Store]:
    """Open the instance's database for the length of the block.

    Raises:
        ConfigurationError: The URL cannot be understood.
        CommandFailed: The database cannot be reached; the line says where and why.
    """
    store = open_store(settings)
    try:
        await store.open()
    except ValueError as error:  # a driver's own parser, such as for a port that is no number
        raise ConfigurationError(f"[database] url {mask_url(settings.url)}: {error}") from error
    except Unavailable as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CommandFailed(f"the database {mask_url(settings.url)} cannot be reached: {reason}") from error
    try:
        yield store
    finally:
        await store.close()


def needed_migrations(settings: Settings) -> tuple[Migration, ...]:
    """Return the migrations of the core and of the enabled plugins, in order."""
    return CORE
