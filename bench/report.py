"""Prints the table of a run, and writes ``docs/benchmarks.md`` with a description of the machine."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from bench.rows import REASONS, TARGETS, Measured, Target, is_met

MOST_LOAD: Final = 0.5
HEAD: Final = ("what", "engine", "target", "measured", "bare handler", "share", "p99", "× fastest peer", "")
_INTRODUCTION: Final = """# Benchmarks

`make bench` wrote this page; it starts real servers and takes some minutes. `SIZE=100000 make bench` measures with more
entries, `ROUNDS=` and `SECONDS=` change how often and how long.

One worker of `maydan serve` has a core of its own; the load generator and PostgreSQL have the others. 16 keep-alive
connections each send the next request as soon as the answer is whole, reads anonymously, writes with an access token.
The *bare handler* is a Litestar handler that returns the very same bytes from memory, under the same server with the
same options, on the same core. It is driven in turn with Maydan, round by round, and a share is the median of the
rounds' shares: what else the machine does falls on both. The other figures are medians too, the start is the best of
three. PostgreSQL has gathered its statistics, as it does within a minute of being filled. The *fastest peer* is, line
by line, the best of Payload 3, Strapi 5, Directus 12, Wagtail 8 and dmart on such a machine.

All 16 connections ask for the same list, as the readers of a front page do, and nobody writes meanwhile: Maydan asks
the database whether anything was committed, and only then whether it must read again (`storage/keeping.py`; on
PostgreSQL where reading takes longer than a millisecond, and those who ask at the same moment share an answer). What
reading costs shows in the lines with "each time": there nothing that was read is of use again. Reads of single
entries are of 10,000, in no order; on PostgreSQL those that come while one is in flight go out together.
"""


def busy() -> str:
    """Return a warning where other work keeps the machine busy, which no figure in seconds survives."""
    load = os.getloadavg()[0]
    if load <= MOST_LOAD:
        return ""
    return f"The machine was busy with other work (load average {load:.1f}): only the shares mean something."


def print_table(size: int, results: Mapping[str, Measured]) -> None:
    """Print the table for people."""
    lines = [HEAD, *_lines(results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    print(f"\n{size} entries of about 2 KB, 16 connections, one worker on one core\n")
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for reason in _reasons(results):
        print(f"\n{reason}")


def write_page(path: Path, size: int, results: Mapping[str, Measured], facts: Sequence[str]) -> None:
    """Write the page of the documentation."""
    lines = _lines(results)
    table = [f"| {' | '.join(line)} |" for line in (HEAD, ["---"] * len(HEAD), *lines)]
    parts = [
        _INTRODUCTION,
        f"## {size:,} entries of about 2 KB\n",
        "\n".join(table) + "\n",
        *(f"{reason}\n" for reason in _reasons(results)),
        "## The machine\n",
        "\n".join(f"- {fact}" for fact in facts) + "\n",
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def _lines(results: Mapping[str, Measured]) -> list[Sequence[str]]:
    return [_line(target, results[target.key]) for target in TARGETS if target.key in results]


def _line(target: Target, measured: Measured) -> Sequence[str]:
    share = measured.ratio
    at_least = target.unit in {"ratio", "per_second"}
    times = measured.value / target.peer if target.peer and at_least else None
    return (
        target.words,
        target.engine,
        "" if target.value is None else f"{'≥' if at_least else '≤'} {_shown(target.value, target.unit)}",
        _shown(measured.value, "per_second" if target.unit == "ratio" else target.unit),
        _shown(sum(measured.bare) / len(measured.bare), "per_second") if measured.bare else "",
        _shown(share, "ratio") if share is not None else "",
        f"{max(measured.p99_ms):.1f} ms" if measured.p99_ms else "",
        f"{times:.1f}" if times else "",
        _verdict(target, measured),
    )


def _verdict(target: Target, measured: Measured) -> str:
    if target.value is None:
        return ""
    return "met" if is_met(target, measured) else f"missed by {_gap(measured, target, target.value):.0%}"


def _shown(value: float, unit: str) -> str:
    match unit:
        case "ratio":
            return f"{value:.0%}"
        case "per_second":
            return f"{value:,.0f}/s"
        case "times":
            return f"{value:.2f}×"
        case "milliseconds":
            return f"{value:.1f} ms"
        case "microseconds":
            return f"{value:.0f} µs"
        case "seconds":
            return f"{value:.2f} s"
        case _:
            return f"{value:.0f} MB"


def _gap(measured: Measured, target: Target, value: float) -> float:
    """Return by which part of the target's value it is missed."""
    reached = (measured.ratio or 0.0) if target.unit == "ratio" else measured.value
    return abs(reached - value) / (value or 1)


def _reasons(results: Mapping[str, Measured]) -> list[str]:
    missed = [each for each in TARGETS if each.key in results and not is_met(each, results[each.key])]
    return [f"**{each.words} ({each.engine})**: {REASONS[each.key]}" for each in missed if each.key in REASONS]


def machine(postgresql: str) -> list[str]:
    """Describe where it was measured, without naming the machine."""
    memory_gb = psutil.virtual_memory().total / 2**30
    packages = ("litestar", "uvicorn", "uvloop", "httptools", "msgspec", "asyncpg", "piccolo")
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory_gb:.0f} GB of memory",
        f"{platform.system()} {platform.release()}, {_filesystem()}",
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        + (f", {postgresql}" if postgresql else ""),
        ", ".join(f"{name} {version(name)}" for name in packages),
    ]


def _processor() -> str:
    """Return the processor's name; Linux tells it in a file, other systems through the platform."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _filesystem() -> str:
    """Return the kind of file system on which the databases lie."""
    here = Path.cwd()
    mounts = [part for part in psutil.disk_partitions(all=True) if here.is_relative_to(part.mountpoint)]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "unknown"
    return f"databases on {kind}"
