"""``maydan user``: accounts from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
EVE = "eve@example.org"


def test_a_created_account_is_listed(run: Run, instance: Path) -> None:
    """Somebody vouches for it, so its address counts as verified."""
    assert run("user", "create", EVE, "--password", "nine green bottles", "--name", "Eve").code == 0
    accounts = {each["email"]: each for each in json.loads(run("user", "list", "--json").out)}
    eve = accounts[EVE]
    assert (eve["name"], eve["administrator"], eve["suspended"], eve["unverified"]) == ("Eve", False, False, False)


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
