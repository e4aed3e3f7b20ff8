"""What differs between the engines: types, parameters, moments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from maydan import clock

_TOKENS: Final = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \{(?P<name>[a-z_]+)\} | (?P<parameter>\?)""",
    re.VERBOSE | re.DOTALL,
)
_MAX_CACHED: Final = 5000


class Dialect:
    """One engine's way of saying things.

    Names in braces in any SQL text are replaced:

    ========================  =======================  =====================
    name                      PostgreSQL               SQLite
    ========================  =======================  =====================
    ``{uuid}``                ``uuid``                 ``TEXT``
    ``{json}``                ``jsonb``                ``TEXT``
    ``{json_text}``           ``json`` (bytes kept)    ``TEXT``
    ``{time}``                ``timestamptz``          ``TEXT``
    ``{bool}``                ``boolean``              ``INTEGER``
    ``{bigint}``              ``bigint``               ``INTEGER``
    ``{text}``                ``text``                 ``TEXT``
    ``{for_update}``          ``FOR UPDATE``           nothing
    ``{for_share}``           ``FOR SHARE``            nothing
    ``{skip_locked}``         ``SKIP LOCKED``          nothing
    ``{now_ms}``              the database's clock in milliseconds since 1970
    ``{log_position}``        the position of an event being written
    ``{log_end}``             positions below are in their final order
    ========================  =======================  =====================
    """

    def __init__(self, name: Literal["sqlite", "postgresql"], words: Mapping[str, str], *, numbered: bool) -> None:
        """Describe an engine.

        Args:
            name: Its name.
            words: What the names in braces become.
            numbered: Whether parameters are written ``$1, $2``.
        """
        self.name: Final = name
        self._words = words
        self._numbered = numbered
        self._cache: dict[str, str] = {}

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.name == "sqlite"

    def translate(self, sql: str) -> str:
        """Return the text as the driver takes it; results are kept by text."""
        found = self._cache.get(sql)
        if found is None:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            found = self._cache[sql] = self.renumbered(sql, 0)[0]
        return found

    def renumbered(self, sql: str, offset: int) -> tuple[str, int]:
        """Return the text with parameters counted on from ``offset``, and the last number given."""
        count = offset

        def replace(match: re.Match[str]) -> str:
            nonlocal count
            if name := match["name"]:
                word = self._words.get(name)
                if word is None:
                    return match[0]
                inner, count = self.renumbered(word, count)
                return inner
            if match["parameter"] and self._numbered:
                count += 1
                return f"${count}"
            return match[0]

        return _TOKENS.sub(replace, sql), count

    @staticmethod
    def read_time(value: Any) -> datetime:
        """Read a moment from a row."""
        return value if isinstance(value, datetime) else clock.from_text(value)

    @staticmethod
    def read_optional_time(value: Any) -> datetime | None:
        """Read a moment that may be missing from a row."""
        return None if value is None else Dialect.read_time(value)


SQLITE: Final = Dialect(
    "sqlite",
    {
        "uuid": "TEXT",
        "json": "TEXT",
        "json_text": "TEXT",
        "time": "TEXT",
        "bool": "INTEGER",
        "bigint": "INTEGER",
        "text": "TEXT",
        "for_update": "",
        "for_share": "",
        "skip_locked": "",
        "now_ms": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        "log_position": "NULL",
        "log_end": "9223372036854775807",
    },
    numbered=False,
)

POSTGRESQL: Final = Dialect(
    "postgresql",
    {
        "uuid": "uuid",
        "json": "jsonb",
        "json_text": "json",
        "time": "timestamptz",
        "bool": "boolean",
        "bigint": "bigint",
        "text": "text",
        "for_update": "FOR UPDATE",
        "for_share": "FOR SHARE",
        "skip_locked": "SKIP LOCKED",
        "now_ms": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
        "log_position": (
            "((SELECT xid_offset FROM maydan_log_clock) + CAST(CAST(pg_current_xact_id() AS text) AS bigint))"
            " * 1048576 + CAST(? AS bigint)"
        ),
        "log_end": (
            "((SELECT xid_offset FROM maydan_log_clock)"
            " + CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)) * 1048576"
        ),
    },
    numbered=True,
)
