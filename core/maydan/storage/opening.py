"""From a database URL to a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.errors import ConfigurationError

if TYPE_CHECKING:
    from maydan.storage.ports import Store
    from maydan.storage.settings import DatabaseSettings


def open_store(settings: DatabaseSettings) -> Store:
    """Make the store that the URL asks for; ``await store.open()`` connects.

    Raises:
        ConfigurationError: The URL is of no known kind.
    """
    if settings.url.startswith("sqlite:///"):
        from maydan.storage.sqlite.store import SQLiteStore

        return SQLiteStore(settings.url.removeprefix("sqlite:///"), settings)
    if settings.url.startswith(("postgresql://", "postgres://")):
        from maydan.storage.postgresql.store import PostgreSQLStore

        return PostgreSQLStore(settings.url, settings)
    raise ConfigurationError("[database] url must start with sqlite:/// or postgresql://, as in sqlite:///maydan.db.")
