"""Links: which entry points at which, as a draft and as published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.links import Link


def link_statements(
    space_key: int, source_id: str, perspective: int, *, before: Sequence[Link], after: Sequence[Link]
) -> list[Statement]:
    """Return what replaces an entry's links in one perspective."""
    statements: list[Statement] = []
    if before:
        statements.append(
            Statement(
                "DELETE FROM maydan_links WHERE space_key = ? AND source_id = ? AND perspective = ?",
                (space_key, source_id, perspective),
            )
        )
    if after:
        marks = ",".join(["(?,?,?,?,?,?)"] * len(after))
        args = [
            arg
            for link in after
            for arg in (space_key, source_id, link.field_id, perspective, link.position, link.target_id)
        ]
        statements.append(
            Statement(
                "INSERT INTO maydan_links (space_key, source_id, field_id, perspective, position, target_id)"
                f" VALUES {marks}",
                tuple(args),
            )
        )
    return statements
