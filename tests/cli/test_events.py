"""``maydan events``: who follows the log, and handing events over again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_a_subscriber_is_listed_and_begins_again_where_it_is_told(run: Run, instance: Path) -> None:
    """One that does not exist is one line; what was parked behind the position is handed over from there."""
    with closing(sqlite3.connect(next(instance.glob("*.db")))) as database, database:
        database.execute("INSERT INTO maydan_subscriptions (name, position) VALUES ('plugin.x', 5)")
        database.execute("INSERT INTO maydan_parked VALUES ('plugin.x', 4, 'a', NULL, 2, 'no', 0)")
    (shown,) = json.loads(run("events", "list", "--json").out)
    assert (shown["position"], shown["parked"], shown["failures"], shown["error"]) == (5, 1, 2, "no")
    assert run("events", "replay", "plugin.x", "--after", "3").code == 0
    assert run("events", "list").out.startswith("plugin.x  position 3, ")
    assert ", 0 to be tried again" in run("events", "list").out
    unknown = run("events", "replay", "plugin.y", "--after", "0")
    assert unknown.code == 1
    assert unknown.err.startswith("maydan: nobody called plugin.y follows the log")
