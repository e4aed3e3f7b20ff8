"""``maydan migrate``: says what it does, and what it would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
NEW = {"MAYDAN_DATABASE_URL": "sqlite:///new.db"}


def test_check_and_plan_change_nothing(run: Run) -> None:
    """Exit code 3 is for scripts, the SQL for people."""
    check, plan = run("migrate", "--check", **NEW), run("migrate", "--plan", **NEW)
    assert (check.code, plan.code) == (3, 0)
    assert "CREATE TABLE" in plan.out
    assert "CREATE TABLE" not in check.out
    assert run("migrate", "--check", **NEW).out == check.out


def test_migrate_does_each_step_once(run: Run) -> None:
    """The second run has nothing to do."""
    pending = run("migrate", "--check", **NEW).out
    done = run("migrate", **NEW)
    assert done.code == 0
    assert done.out == pending.replace(": pending", ": done")
    assert run("migrate", **NEW).out == "The database is up to date.\n"
    assert run("migrate", "--check", **NEW).code == 0


def test_migrate_names_the_types_that_no_plugin_brings(run: Run) -> None:
    """They are shut, and nobody would know why their entries are not there."""
    assert "blog.post" not in run("migrate", MAYDAN_PLUGINS_ENABLED="blog", **NEW).out
    said = run("migrate", **NEW)
    assert said.code == 0
    assert "blog.post: no plugin that is loaded brings this type; it is shut, and its entries are kept\n" in said.out


def test_serve_refuses_while_migrations_are_pending(run: Run) -> None:
    """It never migrates by itself, and says which are missing."""
    outcome = run("serve", "--port", "0", **NEW)
    assert outcome.code == 3
    (line,) = [line for line in outcome.err.splitlines() if not line.startswith("{")]
    assert line.startswith("maydan: These migrations are pending: core 0001_platform")
    assert line.endswith("Run `maydan migrate`.")
    assert run("migrate", "--check", **NEW).code == 3


def test_accounts_are_not_touched_while_migrations_are_pending(run: Run, tmp_path: Path) -> None:
    """The tables may not be there, or not be what the code expects."""
    assert run("user", "list", **NEW).code == 3
