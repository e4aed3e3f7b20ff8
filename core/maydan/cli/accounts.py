"""The accounts of an instance, for commands: opened without anything that serves requests."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from maydan.accounts.passwords import Passwords
from maydan.accounts.people import Account, People
from maydan.cli.failures import CommandFailed
from maydan.cli.instance import opened_store
from maydan.cli.migrate import require_migrated
from maydan.clock import SystemClock
from maydan.settings import Settings
from maydan.storage.ports import Store


class Accounts:
    """What commands need to change accounts."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Work on this store."""
        self.store = store
        self.clock = SystemClock()
        self.passwords = Passwords(settings.auth)
        self.people = People(store, self.clock, self.passwords)

    async def get(self, email: str) -> Account:
        """Return the account with that address.

        Raises:
            CommandFailed: There is none.
        """
        account = await self.people.find_by_email(email)
        if account is None:
            raise CommandFailed(f"no account has the address {email}")
        return account


@asynccontextmanager
async def opened_accounts(settings: Settings) -> AsyncGenerator[Accounts]:
    """Open the instance's accounts for the length of the block."""
    await require_migrated(settings)
    async with opened_store(settings.database) as store:
        accounts = Accounts(store, settings)
        try:
            yield accounts
        finally:
            accounts.passwords.close()


def ask_password(given: str | None, option: str) -> str:
    """Return the password of the command line, or ask for it where somebody can answer.

    Raises:
        CommandFailed: Nobody can answer, or the two answers differ.
    """
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise CommandFailed(f"{option} is missing, and there is no terminal to ask for it")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise CommandFailed("the two passwords differ")
    return password
