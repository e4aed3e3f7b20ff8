"""The one way to write begins with ``write_transaction`` or ``commit``: nobody outside storage begins by hand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEGIN = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION|SAVEPOINT|RELEASE)\b(?!\s+\w+\s+\w)", re.IGNORECASE)
CALLS = ("transaction", "atomic")


def offences(text: str) -> list[str]:
    """Return what begins or ends a transaction in a source text by hand."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in CALLS:
            found.append(f"line {node.lineno}: .{name}()")
        first = node.args[0] if node.args else None
        if name in ("execute", "execute_heavy", "fetch_all", "fetch_one", "raw", "run_ddl"):
            is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if is_text and BEGIN.match(str(first.value)):  # type: ignore[union-attr]
                found.append(f"line {node.lineno}: {first.value!r}")  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize(
    "text",
    ["db.execute('BEGIN')", "c.execute('begin immediate')", "engine.transaction()", "DB.atomic()", "t.raw('COMMIT')"],
)
def test_the_check_finds_transactions_begun_by_hand(text: str) -> None:
    """A check that finds nothing proves nothing."""
    assert offences(text)


def test_nobody_outside_storage_begins_a_transaction_by_hand() -> None:
    """Bare transactions of the engines lock the database, and escape the shared commit."""
    places = [*ROOT.glob("core/maydan/**/*.py"), *ROOT.glob("plugins/*/maydan_*/**/*.py")]
    outside = [path for path in places if "core/maydan/storage/" not in path.as_posix()]
    assert outside
    bad = {str(path.relative_to(ROOT)): found for path in outside if (found := offences(path.read_text()))}
    assert bad == {}
