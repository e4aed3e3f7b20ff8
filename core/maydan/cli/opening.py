"""Opening the instance for a command: its database, its plugins, its services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import msgspec

from maydan.app import create_core, load_plugins, running
from maydan.cli.failures import CommandFailed
from maydan.cli.naming import COMMAND
from maydan.cli.plugin_probe import load_apart
from maydan.errors import ConfigurationError, Unavailable
from maydan.plugins.host import HostOptions, PluginHost
from maydan.secret import mask_url
from maydan.settings import Settings
from maydan.storage.acting import ACTING, Acting
from maydan.storage.opening import open_store
from maydan.storage.ports import Store
from maydan.storage.settings import DatabaseSettings

if TYPE_CHECKING:
    from maydan.operations.core import Core


@asynccontextmanager
async def opened_store(settings: DatabaseSettings) -> AsyncGenerator[Store]:
    """Open the instance's database for the length of the block.

    Raises:
        ConfigurationError: The URL cannot be understood.
        CommandFailed: The database cannot be reached; the line says where and why.
    """
    ACTING.set(Acting(reason=COMMAND.get()))
    store = open_store(settings)
    with _explained(settings):
        await store.open()
    try:
        yield store
    finally:
        await store.close()


def load_host(settings: Settings) -> PluginHost:
    """Load the enabled plugins into this process; those that would end it are left out, with their reason logged."""
    enabled = settings.plugins.enabled
    options = HostOptions(read_settings=settings.of_plugin)
    if enabled:
        options = msgspec.structs.replace(options, isolated=load_apart(enabled).isolated)
    return load_plugins(settings, options=options)


@asynccontextmanager
async def opened_core(settings: Settings) -> AsyncGenerator[Core]:
    """Open the instance's services for the length of the block; nothing is served, and no background work runs.

    Raises:
        MigrationsPending: The database is older than the code; the detail names the migrations.
        CommandFailed: As :func:`opened_store`.
    """
    ACTING.set(Acting(reason=COMMAND.get()))
    core = create_core(settings, load_host(settings))
    async with AsyncExitStack() as stack:
        with _explained(settings.database):
            await stack.enter_async_context(running(core))
        yield core


@contextmanager
def _explained(settings: DatabaseSettings) -> Generator[None]:
    """Say of a database that cannot be opened which it is, and why."""
    try:
        yield
    except ValueError as error:  # a driver's own parser, such as for a port that is no number
        raise ConfigurationError(f"[database] url {mask_url(settings.url)}: {error}") from error
    except Unavailable as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CommandFailed(f"the database {mask_url(settings.url)} cannot be reached: {reason}") from error
