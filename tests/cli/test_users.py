"""``maydan user``: accounts from the command line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
EVE = "eve@example.org"


def test_a_created_account_is_listed(run: Run, instance: Path) -> None:
    """Somebody vouches for it, so its address counts as verified; the log says by which command, and names nobody."""
    assert run("user", "create", EVE, "--password", "nine green bottles", "--name", "Eve").code == 0
    accounts = {each["email"]: each for each in json.loads(run("user", "list", "--json").out)}
    eve = accounts[EVE]
    assert (eve["name"], eve["administrator"], eve["suspended"], eve["unverified"]) == ("Eve", False, False, False)
    with sqlite3.connect(instance / "maydan.db") as database:
        sql = "SELECT data FROM maydan_log WHERE type = 'account.created' AND subject_id = ?"
        assert database.execute(sql, (eve["id"],)).fetchall() == [('{"reason":"maydan user create"}',)]


def test_an_address_is_taken_once(run: Run, instance: Path) -> None:
    """However it is written."""
    assert run("user", "create", EVE, "--password", "nine green bottles").code == 0
    again = run("user", "create", EVE.upper(), "--password", "nine green bottles")
    assert again.code == 1
    assert again.err.startswith("maydan: email: ")


def test_an_unknown_address_is_one_line(run: Run, instance: Path) -> None:
    """For every command that changes an account."""
    for command in (("reset-password", EVE, "--password", "nine green bottles"), ("unlock", EVE)):
        outcome = run("user", *command)
        assert (outcome.code, outcome.err) == (1, f"maydan: no account has the address {EVE}\n")


def test_a_password_is_checked_when_it_is_reset(run: Run, instance: Path) -> None:
    """The command line is no way round the rules."""
    assert run("user", "create", EVE, "--password", "nine green bottles").code == 0
    refused = run("user", "reset-password", EVE, "--password", "short")
    assert (refused.code, refused.err) == (1, "maydan: password: Use at least 8 characters.\n")
    assert run("user", "reset-password", EVE, "--password", "ten green bottles").code == 0


def test_unlocking_removes_a_lost_second_factor_where_that_is_asked(run: Run, instance: Path) -> None:
    """Failed logins and codes are forgotten either way; nobody needs the server for it."""
    assert run("user", "create", EVE, "--password", "nine green bottles").code == 0
    with sqlite3.connect(instance / "maydan.db") as database:
        sql = (
            "INSERT INTO maydan_totp (account_id, secret, created_at, confirmed_at, last_step) "
            "SELECT id, 'GEZDGNBV', created_at, created_at, 0 FROM maydan_accounts WHERE email = ?"
        )
        database.execute(sql, (EVE,))
        database.commit()
        kept = "SELECT count(*) FROM maydan_totp"
        assert run("user", "unlock", EVE).out == f"{EVE}: failed logins are forgotten.\n"
        assert database.execute(kept).fetchone() == (1,)
        said = f"{EVE}: failed logins are forgotten, the second factor is removed.\n"
        assert run("user", "unlock", EVE, "--totp").out == said
        assert database.execute(kept).fetchone() == (0,)
