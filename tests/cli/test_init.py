"""``maydan init``: from an empty folder to an instance."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ADMIN = ("--admin-email", "owner@example.org", "--admin-password", "a long and quiet evening")
Run = Callable[..., Any]


def test_init_writes_settings_migrates_and_creates_an_administrator(run: Run, tmp_path: Path) -> None:
    """One command, and the instance is ready to serve."""
    outcome = run("init", *ADMIN)
    assert (outcome.code, outcome.err) == (0, "")
    assert run("migrate", "--check").code == 0
    (account,) = json.loads(run("user", "list", "--json").out)
    assert (account["email"], account["administrator"], account["unverified"]) == ("owner@example.org", True, False)
    assert stat.S_IMODE((tmp_path / "maydan.toml").stat().st_mode) == 0o600, "the URL may hold a password"


def test_init_may_be_repeated_and_never_overwrites(run: Run, instance: Path) -> None:
    """The second run finds everything done; what an operator wrote stays."""
    path = instance / "maydan.toml"
    path.write_text(path.read_text() + "\n# mine\n")
    before = path.read_bytes()
    outcome = run("init", *ADMIN)
    assert outcome.code == 0
    assert "kept as it is" in outcome.out
    assert path.read_bytes() == before
    assert len(json.loads(run("user", "list", "--json").out)) == 1


def test_init_refuses_to_guess_when_the_file_says_something_else(run: Run, instance: Path) -> None:
    """Otherwise the administrator would be created in a database that nobody meant."""
    outcome = run("init", *ADMIN, "--database", "sqlite:///other.db")
    assert (outcome.code, outcome.err) == (
        1,
        "maydan: maydan.toml names another database than --database; change it there\n",
    )
    assert not (instance / "other.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--admin-email", "nobody", "--admin-password", "a long and quiet evening"),
            "email: This is not an e-mail address",
        ),
        (("--admin-email", "a@example.org", "--admin-password", "short"), "password: Use at least 8 characters"),
        (("--admin-email", "a@example.org"), "--admin-password is missing"),
        ((*ADMIN, "--plugins", "nothing-like-it"), "no plugin nothing-like-it is installed"),
        ((*ADMIN, "--database", "mysql://localhost/x"), "must start with sqlite:/// or postgresql://"),
        ((*ADMIN, "--database", "sqlite:////no/such/folder/x.db"), "does not exist"),
        (
            (*ADMIN, "--database", "postgresql://u:hidden@127.0.0.1:1/x"),
            "postgresql://u:***@127.0.0.1:1/x cannot be reached",
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """All is checked before the first file is written."""
    outcome = run("init", *arguments)
    assert outcome.code in {1, 2}
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert "hidden" not in outcome.err
    assert list(tmp_path.iterdir()) == []
