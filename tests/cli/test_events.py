"""``maydan events``: who follows the log, and handing events over again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

Run = Callable[..., Any]


def test_a_subscriber_is_listed_and_begins_again_where_it_is_told(run: Run, instance: Path) -> None:
    """One that does not exist is one line; what was parked behind the position is handed over from there."""
    with closing(sqlite3.connect(next(instance.glob("*.db")))) as database, database:
        database.execute("INSERT INTO maydan_subscriptions (name, position) VALUES ('plugin.x', 5)")
        database.execute("INSERT INTO maydan_parked VALUES ('plugin.x', 4, 'a', NULL, 2, 'no', 0)")
        letter = "INSERT INTO maydan_dead_letters VALUES (?, 'plugin.x', 3, NULL, 5, 'never', '2026-11-23')"
        database.execute(letter, (uuid4().bytes,))
    (shown,) = json.loads(run("events", "list", "--json").out)
    assert (shown["position"], shown["parked"], shown["failures"], shown["error"]) == (5, 1, 2, "no")
    assert shown["dead_letters"] == 1
    assert run("events", "replay", "plugin.x", "--after", "3").code == 0
    assert run("events", "list").out.startswith("plugin.x  position 3, ")
    assert run("events", "list").out.rstrip().endswith(", 0 to be tried again, 1 dead letter")
    unknown = run("events", "replay", "plugin.y", "--after", "0")
    assert unknown.code == 1
    assert unknown.err.startswith("maydan: nobody called plugin.y follows the log")
