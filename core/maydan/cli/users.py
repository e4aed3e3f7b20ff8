"""``maydan user``: create, list, reset-password, unlock."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from maydan.accounts.addresses import address_key
from maydan.accounts.attempts import Attempt, Limit
from maydan.accounts.ending import end_access_of
from maydan.accounts.passwords import check_password
from maydan.accounts.people import Account
from maydan.cli.accounts import ask_password, get_account, opened_accounts
from maydan.cli.instance import load_settings
from maydan.clock import SystemClock, to_text
from maydan.settings import Settings

_PAGE = 500


def run_create(arguments: argparse.Namespace) -> int:
    """Create an account whose address counts as verified."""
    settings = load_settings()
    password = ask_password(arguments.password, "--password")

    async def work() -> Account:
        async with opened_accounts(settings) as accounts:
            return await accounts.people.create(
                email=arguments.email, password=password, name=arguments.name, administrator=arguments.administrator
            )

    account = asyncio.run(work())
    print(f"{account.email}: created{' as an administrator' if account.administrator else ''} ({account.id}).")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """List the accounts, oldest first."""
    rows = [_row(account) for account in asyncio.run(_all_accounts(load_settings()))]
    if arguments.json:
        print(msgspec.json.encode(rows).decode())
        return 0
    for row in rows:
        marks = [word for word in ("administrator", "suspended", "unverified") if row[word]]
        print("  ".join([str(row["created_at"]), str(row["email"]), *marks]))
    return 0


def run_reset_password(arguments: argparse.Namespace) -> int:
    """Set a new password; every session of the account ends."""
    settings = load_settings()
    password = ask_password(arguments.password, "--password")

    async def work() -> None:
        async with opened_accounts(settings) as accounts:
            account = await get_account(accounts, arguments.email)
            check_password(password, personal=(account.email, account.name))
            ended = end_access_of(account.id, SystemClock().now())
            hashed = await accounts.passwords.hash(password)
            await accounts.people.change(account, {"password_hash": hashed}, more=ended)

    asyncio.run(work())
    print(f"{arguments.email}: the password is changed, and all sessions have ended.")
    return 0


def run_unlock(arguments: argparse.Namespace) -> int:
    """Forget failed logins and codes, let in again who was suspended, remove a second factor where that is asked."""
    settings = load_settings()

    async def work() -> tuple[bool, bool]:
        async with opened_accounts(settings) as accounts:
            account = await get_account(accounts, arguments.email)
            failures = [_failures(account, settings), accounts.totp.attempt_of(account.id)]
            await accounts.attempts.forgive(cleared=failures)
            if arguments.totp and await accounts.totp.is_on(account.id):
                account = await accounts.people.reset_totp(account)
            if account.suspended_at is not None:
                await accounts.people.suspend(account, suspended=False)
            return account.suspended_at is not None, bool(arguments.totp)

    lifted, removed = asyncio.run(work())
    more = (", the second factor is removed" if removed else "") + (", the suspension is lifted" if lifted else "")
    print(f"{arguments.email}: failed logins are forgotten{more}.")
    return 0


async def _all_accounts(settings: Settings) -> list[Account]:
    found: list[Account] = []
    async with opened_accounts(settings) as accounts:
        while page := await accounts.people.page(limit=_PAGE, after=found[-1].id if found else None):
            found += page
    return found[::-1]


def _row(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "administrator": account.administrator,
        "suspended": account.suspended_at is not None,
        "unverified": account.verified_at is None,
        "created_at": to_text(account.created_at),
    }


def _failures(account: Account, settings: Settings) -> Attempt:
    limit = Limit(
        scope="login:account", count=settings.auth.login_failures_per_account, window_s=settings.auth.login_window_s
    )
    return Attempt(limit=limit, key=address_key(account.email))
