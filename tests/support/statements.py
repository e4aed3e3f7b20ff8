"""The SQL that the core sends, as it was written, and which of it looks at a space's table without naming the space."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from maydan.storage.dialects import Dialect
from maydan.storage.schema import CORE

_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(maydan_\w+)|,\s*(maydan_\w+)\s+AS\s+\w+", re.IGNORECASE)
_PREDICATE = re.compile(r"\bspace_key\s*(?:=|IN\b|IS NOT DISTINCT)", re.IGNORECASE)
_MADE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(maydan_\w+) \((.*?)\n\s*\)", re.DOTALL)
_OF_TYPE = re.compile(r"maydan_(?:documents|trigrams)_\w+")
_KINDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
TABLES = frozenset(
    name
    for migration in CORE
    for step in migration.steps
    for name, columns in _MADE.findall(getattr(step, "sql", "") or "")
    if re.search(r"\bspace_key\b", columns)
)
"""The tables of spaces; those of content types come on top."""


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Keep every statement that the core sends in this process, on either engine, for the length of the block."""
    seen: set[str] = set()
    translate, renumbered = Dialect.translate, Dialect.renumbered
    told: set[str] = set()

    def noting(self: Dialect, sql: str) -> str:
        if sql not in told:
            told.add(sql)
            _note(seen, sql)
        return translate(self, sql)

    def noting_parts(self: Dialect, sql: str, offset: int) -> tuple[str, int]:
        if sql not in told:
            told.add(sql)
            _note(seen, sql)
        return renumbered(self, sql, offset)

    Dialect.translate, Dialect.renumbered = noting, noting_parts  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Dialect.translate, Dialect.renumbered = translate, renumbered  # type: ignore[method-assign]


def _note(seen: set[str], sql: str) -> None:
    plain = " ".join(sql.split())
    if plain.partition(" ")[0].upper() in _KINDS and _is_ours():
        seen.add(plain)


def _is_ours() -> bool:
    """Tell whether the core asks for a space: no test that looks into the database itself, and no operator's command.

    Migrations, and the erasure of a person, go through all spaces.
    """
    frame = sys._getframe(3)
    while frame is not None:
        path = frame.f_code.co_filename
        if any(part in path for part in ("/tests/", "/storage/migrations/", "/operations/erasing")):
            return False
        if "/maydan/" in path and "/maydan/storage/" not in path:
            return True
        frame = frame.f_back
    return True


def over_the_wall(seen: set[str]) -> list[str]:
    """Return the statements that name tables of spaces more often than the space, without a reason that we know."""
    return sorted(sql for sql in seen if _misses_space(sql) and not any(re.search(known, sql) for known in _REASONS))


def _misses_space(sql: str) -> bool:
    names = [one or other for one, other in _TABLE.findall(sql)]
    found = [name for name in names if name in TABLES or _OF_TYPE.fullmatch(name)]
    inserted = len(re.findall(r"INTO\s+maydan_\w+\s*\([^)]*space_key", sql, re.IGNORECASE))
    return len(_PREDICATE.findall(sql)) + inserted < len(found)


_REASONS = {
    r"^SELECT COALESCE\(MAX\(taken\), 0\)": "the number of a new space is one that none has had",
    r"COALESCE\(MAX\(key\), 0\) \+ 1 FROM maydan_types": "the number of a new type, of whatever space",
    r"FROM maydan_types AS t, maydan_spaces AS s WHERE t\.key = \?": "a guard: are type and space what they were",
    r"^UPDATE maydan_types SET .* WHERE key = \?": "a type that was found in its space; plugins' types are of all",
    r"^SELECT key, space_key, name, definition, version FROM maydan_types$": "every worker keeps the types of all",
    r"^INSERT INTO maydan_trigrams_\w+ \(.* FROM maydan_documents_\d+$": "the index of a changed type, made anew",
    r"^SELECT max\(position\) FROM maydan_log": "how far the log of all goes; tells nothing of what is in it",
    r"^SELECT max\(position\) / .*pg_snapshot_xmax": "the same, where a database was restored",
    r"^SELECT space_key, roles FROM maydan_members WHERE account_id": "the caller's own memberships",
    r"FROM maydan_api_tokens WHERE (id = \? AND )?account_id": "the caller's own tokens",
    r"FROM maydan_api_tokens t JOIN maydan_accounts a .* WHERE t\.(hash|id) = \?": "whose token this is",
    r"^SELECT key, name, definition, version FROM maydan_types$": "plugins' types are those of all spaces",
    r"^DELETE FROM maydan_jobs WHERE status IN .* AND finished_at < \?$": "what ended long ago, everywhere",
    r"^UPDATE maydan_deliveries SET due_at = \?.* WHERE state = 'waiting' AND": "the clock was put back",
    r"^UPDATE maydan_jobs SET run_at = \? WHERE status = 'waiting' AND": "the clock was put back",
    r"^SELECT position, space_key, type, .* FROM maydan_log WHERE position": "subscribers follow the log of all spaces;"
    " who asks for a space sees its events alone",
    r"^SELECT position, witness FROM maydan_log WHERE position IN": "of events that were read for their space",
    r"^(SELECT|UPDATE|DELETE) .*maydan_parked .*(subscriber = \?|GROUP BY p\.subscriber)": "a subscriber's own places",
    r"FROM maydan_subscriptions AS s": "how far subscribers are; for who monitors the instance",
    r"^SELECT kind, status, count\(\*\), min\(run_at\) FROM maydan_jobs": "figures for who monitors the instance",
    r"FROM maydan_deliveries WHERE state = 'waiting'": "figures for who monitors the instance",
    r"FROM maydan_jobs WHERE \(\(status = 'waiting'": "workers take jobs of all spaces; each does its own space's work",
    r"^UPDATE maydan_jobs SET .* AND tries = \?": "a job that this worker has taken",
    r"FROM maydan_webhook_endpoints AS e JOIN maydan_webhooks": "senders look for whose turn it is, of all spaces",
    r"FROM maydan_webhooks WHERE id = \?": "a sender's own webhook, whose turn it is",
    r"FROM maydan_deliveries AS d WHERE webhook_id": "a sender's own webhook, whose turn it is",
    r"^UPDATE maydan_deliveries SET .* WHERE id = \?": "a delivery that this sender made",
    r"^DELETE FROM maydan_deliveries WHERE id IN \(": "deliveries of this sender's webhook that are not to be made",
    r"FROM maydan_deliveries WHERE webhook_id = \?": "what a webhook keeps too long, cleared away everywhere",
    r"^SELECT e\.webhook_id, w\.active FROM maydan_webhook_endpoints": "whose deliveries are cleared away, everywhere",
    r"^UPDATE maydan_webhooks SET (active|replay_position) = \?": "a sender's own webhook, whose turn it is",
    r"^SELECT id, subscriber, .* FROM maydan_dead_letters WHERE id = \?$": "a letter that was found in its space",
    r"^UPDATE maydan_invitations SET token_hash": "the mail of an invitation, whose token is made when it is sent",
    r"^DELETE FROM maydan_invitations WHERE expires_at": "what is over, everywhere",
}
"""Statements that look over the wall, as patterns, and why each may; none of them reads what entries hold."""
