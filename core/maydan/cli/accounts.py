"""The accounts of an instance, for commands: opened without anything that serves requests."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from maydan.accounts.people import Account
from maydan.accounts.service import Accounts
from maydan.cli.failures import CommandFailed
from maydan.cli.opening import opened_store
from maydan.clock import SystemClock
from maydan.errors import MigrationsPending
from maydan.settings import Settings
from maydan.storage.migrations import pending
from maydan.storage.schema import CORE


@asynccontextmanager
async def opened_accounts(settings: Settings) -> AsyncGenerator[Accounts]:
    """Open the instance's accounts for the length of the block, without plugins and without background work.

    Raises:
        MigrationsPending: The core's tables are older than the code; the detail names the migrations.
    """
    async with opened_store(settings.database) as store:
        missing = await pending(store, CORE)
        if missing:
            names = ", ".join(f"{migration.app} {migration.name}" for migration in missing)
            raise MigrationsPending(f"These migrations are pending: {names}. Run `maydan migrate`.")
        base_url = settings.server.base_url
        accounts = Accounts(store, auth=settings.auth, mail=settings.mail, base_url=base_url, clock=SystemClock())
        try:
            yield accounts
        finally:
            await accounts.stop()


async def get_account(accounts: Accounts, email: str) -> Account:
    """Return the account with that address.

    Raises:
        CommandFailed: There is none.
    """
    account = await accounts.people.find_by_email(email)
    if account is None:
        raise CommandFailed(f"no account has the address {email}")
    return account


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
