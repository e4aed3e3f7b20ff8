"""``maydan init``: from an empty folder to an instance that serves; safe to repeat."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from maydan.accounts.people import Account, check_person
from maydan.cli.accounts import ask_password, opened_accounts
from maydan.cli.configuration_file import compose, write_new
from maydan.cli.failures import CommandFailed
from maydan.cli.instance import load_settings
from maydan.cli.migrate import migrate
from maydan.cli.opening import opened_store
from maydan.plugins.discovery import installed_names
from maydan.settings import FILE_NAME, Settings, suggest
from maydan.storage.settings import DatabaseSettings

DEFAULT_URL = "sqlite:///maydan.db"


def run(arguments: argparse.Namespace) -> int:
    """Write ``maydan.toml`` unless there is one, migrate, and make sure of an administrator."""
    password = ask_password(arguments.admin_password, "--admin-password")
    # Before anything is written: a mistake must not leave half an instance behind.
    check_person(email=arguments.admin_email, password=password, name="")
    enabled = _checked_plugins(arguments.plugins)
    url = arguments.database or DEFAULT_URL
    if not Path(FILE_NAME).exists():
        asyncio.run(_try_database(url))
    written = write_new(Path(FILE_NAME), compose(url=url, enabled=enabled))
    settings = load_settings()
    _check_same(settings, arguments.database, enabled)
    print(f"{FILE_NAME}: {'written' if written else 'kept as it is'}.")
    steps, account = asyncio.run(_prepare(settings, arguments.admin_email, password))
    print(f"Database: {f'{steps} migration steps done' if steps else 'up to date'}.")
    print(f"Administrator: {account.email}.")
    print("Next: `maydan serve`.")
    return 0


def _checked_plugins(text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    installed = installed_names()
    for name in names:
        if name not in installed:
            raise CommandFailed(f"no plugin {name} is installed{suggest(name, installed)}")
    return list(dict.fromkeys(names))


def _check_same(settings: Settings, url: str | None, enabled: list[str]) -> None:
    """Refuse to go on when the file, which is never overwritten, says something else than the command line."""
    if url is not None and url != settings.database.url:
        raise CommandFailed(f"{FILE_NAME} names another database than --database; change it there")
    missing = [name for name in enabled if name not in settings.plugins.enabled]
    if missing:
        raise CommandFailed(
            f"{FILE_NAME} does not enable {', '.join(missing)}; run `maydan plugins enable {missing[0]}`"
        )


async def _try_database(url: str) -> None:
    async with opened_store(DatabaseSettings(url=url)):
        pass


async def _prepare(settings: Settings, email: str, password: str) -> tuple[int, Account]:
    steps = await migrate(settings)
    async with opened_accounts(settings) as accounts:
        return len(steps), await accounts.people.create_administrator(email=email, password=password)
