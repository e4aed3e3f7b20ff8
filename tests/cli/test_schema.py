"""``maydan schema``: the way of a set of content types from one instance to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
WANTED = {
    "maydan_schema": 1,
    "spaces": [
        {
            "name": "shop",
            "locales": ["en", "ar"],
            "types": [{"name": "book", "fields": [{"name": "title", "kind": "string", "localized": True}]}],
        }
    ],
}


def test_types_are_planned_applied_and_written_out(run: Run, instance: Path) -> None:
    """A plan changes nothing; what was applied is written out as it is, and applies again without a change."""
    (instance / "wanted.json").write_text(json.dumps(WANTED))
    planned = run("schema", "plan", "wanted.json", "--check")
    assert planned.code == 3
    assert planned.out == "+ space shop: create\n+ shop book: create\n    + field title: string\n"
    applied = run("schema", "apply", "wanted.json")
    assert (applied.code, applied.out) == (0, planned.out), applied.err
    dumped = run("schema", "dump", "--space", "shop")
    (instance / "dump.json").write_text(dumped.out)
    again = run("schema", "apply", "dump.json")
    assert (again.code, again.out) == (0, "Nothing to change.\n")
    (instance / "empty.json").write_text('{"maydan_schema": 1, "spaces": [{"name": "shop"}]}')
    refused = run("schema", "apply", "empty.json")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.splitlines() == [
        "maydan: shop book: the type is gone, and the grants that name it; nothing was changed",
        "maydan: repeat with --allow-drop if that is meant",
    ]
    dropped = run("schema", "apply", "empty.json", "--allow-drop")
    assert (dropped.code, dropped.out.splitlines()[0]) == (0, "- shop book: drop")
    for arguments, line in (
        (("apply", "missing.json"), "maydan: missing.json: no such file or directory"),
        (("dump", "--space", "shpo"), "maydan: there is no space shpo; did you mean shop?"),
    ):
        failed = run("schema", *arguments)
        assert (failed.code, failed.err) == (1, f"{line}\n")
