"""What is measured, and what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final, Literal

from msgspec import Struct, field

Engine = Literal["SQLite", "PostgreSQL", ""]
Unit = Literal["ratio", "per_second", "times", "microseconds", "milliseconds", "seconds", "megabytes"]


class Target(Struct, frozen=True, kw_only=True):
    """One line of the table."""

    key: str
    words: str
    engine: Engine
    unit: Unit
    value: float | None
    """What should be reached: at least for ``ratio`` and ``per_second``, at most for the others; ``None`` is shown
    beside another row, to be understood with it."""
    peer: float | None = None
    """What the fastest of five peers reached on such a machine: answers per second, seconds or megabytes."""


class Measured(Struct, kw_only=True):
    """What came out for one target, round by round."""

    values: list[float] = field(default_factory=list[float])
    bare: list[float] = field(default_factory=list[float])
    """Answers per second of the bare handler in the same rounds."""
    p99_ms: list[float] = field(default_factory=list[float])

    @property
    def value(self) -> float:
        """Return the median of the rounds."""
        return median(self.values)

    @property
    def ratio(self) -> float | None:
        """Return the median of each round's share of the bare handler; ``None`` without one."""
        shares = [own / bare for own, bare in zip(self.values, self.bare, strict=False)]
        return median(shares) if shares else None


def _queries(key: str, engine: Engine) -> Iterator[Target]:
    """Give the rows of lists and versions, the same on both engines."""
    rows: tuple[tuple[str, str, Unit, float | None, float | None], ...] = (
        ("includes", "list of 25 with two includes", "ratio", 0.25, None),
        ("other includes", "list of 25 with two includes, each time another page", "per_second", None, None),
        ("offset", "list of 25 at offset 9,000", "ratio", 0.25, 383),
        ("other offset", "list of 25 at offsets up to 9,000, each time another", "per_second", None, None),
        ("cursor", "page by cursor at 9,000, against the first", "times", 1.3, None),
        ("word", "a frequent word in a title", "per_second", 1_500, 191),
        ("rare", "a rare word in an indexed title", "per_second", 1_500, 191),
        ("scan", "a rare word in a field without an index", "per_second", 150, 191),
        ("other word", "a frequent word in a title, each time with another condition", "per_second", None, None),
        ("other rare", "a rare word in an indexed title, each time with another condition", "per_second", None, None),
        ("other scan", "a rare word in a field without an index, each time another", "per_second", None, None),
        ("versions", "versions of an entry with 1,000,000, p95", "milliseconds", 50, None),
        ("large by-id", "one entry by id among SIZE, against 10,000", "times", 1.3, None),
        ("large list", "list of 25 among SIZE, against 10,000", "times", 1.3, None),
    )
    for row, words, unit, value, peer in rows:
        yield Target(key=f"{key} {row}", words=words, engine=engine, unit=unit, value=value, peer=peer)


TARGETS: Final = (
    Target(key="sqlite by-id", words="one entry by id", engine="SQLite", unit="ratio", value=0.50, peer=871),
    Target(key="sqlite list", words="list of 25, indexed filter and sort", engine="SQLite", unit="ratio", value=0.35,
           peer=237),
    Target(key="sqlite total", words="the same list with the exact total", engine="SQLite", unit="ratio", value=0.20,
           peer=156),
    Target(key="postgresql by-id", words="one entry by id", engine="PostgreSQL", unit="ratio", value=0.35, peer=871),
    Target(key="postgresql list", words="list of 25, indexed filter and sort", engine="PostgreSQL", unit="ratio",
           value=0.35, peer=237),
    Target(key="postgresql total", words="the same list with the exact total", engine="PostgreSQL", unit="ratio",
           value=0.20, peer=156),
    Target(key="sqlite create", words="create, synchronous=FULL", engine="SQLite", unit="per_second", value=1_000,
           peer=319),
    Target(key="sqlite update", words="update, synchronous=FULL", engine="SQLite", unit="per_second", value=900,
           peer=217),
    Target(key="sqlite-normal create", words="create, synchronous=NORMAL", engine="SQLite", unit="per_second",
           value=1_333, peer=319),
    Target(key="sqlite-normal update", words="update, synchronous=NORMAL", engine="SQLite", unit="per_second",
           value=1_200, peer=217),
    Target(key="postgresql create", words="create", engine="PostgreSQL", unit="per_second", value=900, peer=319),
    Target(key="postgresql update", words="update", engine="PostgreSQL", unit="per_second", value=800, peer=217),
    *_queries("sqlite", "SQLite"),
    Target(key="sqlite bulk", words="creates in bulk", engine="SQLite", unit="per_second", value=2_000),
    *_queries("postgresql", "PostgreSQL"),
    Target(key="dispatcher", words="ten veto hooks", engine="", unit="microseconds", value=60),
    Target(key="permission", words="the permission step at 10,000 policies and 1,000 roles, p99", engine="",
           unit="microseconds", value=100),
    Target(key="policy edit", words="an edit at 10,000 policies is in force", engine="SQLite", unit="seconds", value=1),
    Target(key="policy stall", words="the longest stall of the event loop meanwhile", engine="SQLite",
           unit="milliseconds", value=50),
    Target(key="policy errors", words="wrong decisions meanwhile, at 200 a second", engine="SQLite", unit="times",
           value=0),
    Target(key="events", words="events to one observing plugin", engine="SQLite", unit="per_second", value=2_000),
    Target(key="observers", words="a create beside ten observing plugins", engine="SQLite", unit="times", value=1.25),
    Target(key="sqlite stream", words="commit to a stream's frame, p95", engine="SQLite", unit="milliseconds",
           value=50),
    Target(key="sqlite stream of two", words="the same across two workers", engine="SQLite", unit="milliseconds",
           value=50),
    Target(key="postgresql stream", words="commit to a stream's frame, p95", engine="PostgreSQL", unit="milliseconds",
           value=50),
    Target(key="postgresql stream of two", words="the same across two workers", engine="PostgreSQL",
           unit="milliseconds", value=50),
    Target(key="sqlite webhook", words="commit to webhook received at 100 writes/s, p95", engine="SQLite",
           unit="milliseconds", value=200),
    Target(key="postgresql webhook", words="commit to webhook received at 100 writes/s, p95", engine="PostgreSQL",
           unit="milliseconds", value=200),
    Target(key="sqlite idle streams", words="500 idle streams", engine="SQLite", unit="megabytes", value=60),
    Target(key="start", words="start to first answer, all plugins", engine="SQLite", unit="seconds", value=1.5,
           peer=0.75),
    Target(key="memory", words="idle memory of one worker", engine="SQLite", unit="megabytes", value=110, peer=111),
)  # fmt: skip

_WRITES: Final = (
    "the target is of a machine whose bare handler makes 11,000/s; the table says what this one's makes. A fifth of a"
    " write's processor time is the statements, the rest is Python: reading strictly, deciding, rendering"
)

_CURSOR: Final = (
    "both pages come from memory here, so that what a cursor costs by itself is a large part: its signature is checked"
    " and another one made, its values are bound, and the link to the next page is written from a longer address"
)

REASONS: Final[dict[str, str]] = {
    "sqlite create": _WRITES,
    "sqlite update": _WRITES,
    "sqlite-normal create": _WRITES,
    "sqlite-normal update": _WRITES,
    "postgresql create": _WRITES,
    "postgresql update": _WRITES,
    "sqlite cursor": _CURSOR,
    "postgresql cursor": _CURSOR,
    "sqlite bulk": _WRITES,
    "observers": "creates have become cheaper, and telling ten plugins of each has not; on a quiet core it is 1.2",
    "policy stall": "one slice of what is compiled took this long; in other runs it was 21 to 28 ms",
    "dispatcher": "on a quiet core it is 22 µs; guard and gauge are most of it",
    "start": "the supervisor starts first, then the worker imports Litestar and uvicorn: most of the time",
}
"""Why a target is missed and what it would take, by key; printed below the table where it is missed."""


def is_met(target: Target, measured: Measured) -> bool:
    """Tell whether a target was reached; where there is none, nothing is missed."""
    if target.value is None:
        return True
    if target.unit == "ratio":
        return (measured.ratio or 0.0) >= target.value
    if target.unit == "per_second":
        return measured.value >= target.value
    return measured.value <= target.value
