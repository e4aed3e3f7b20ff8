"""What the tests of the blog share: WordPress' theme test export, and a space in memory that keeps what is imported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from maydan.plugin import ImportedComment, Outcome

SHARED = Path(__file__).parents[4] / "shared" / "data"


class Kept(Struct, frozen=True):
    """One entry as it was put."""

    id: str
    type: str
    data: dict[str, Any]
    publish: bool | tuple[str, ...]
    publish_at: datetime | None
    comments: tuple[ImportedComment, ...]


class MemoryTarget:
    """Satisfies ``ImportTarget``."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.skipped: Counter[str] = Counter()
        self.steps: list[tuple[int, int]] = []

    async def find(self, key: str) -> str | None:
        comments = (comment.key for kept in self.kept.values() for comment in kept.comments)
        return self.kept[key].id if key in self.kept else key if key in comments else None

    async def put(
        self,
        type: str,
        key: str,
        data: Mapping[str, Any],
        *,
        publish: bool | Sequence[str] = False,
        publish_at: datetime | None = None,
        comments: Sequence[ImportedComment] = (),
    ) -> Outcome:
        before = self.kept.get(key)
        locales = publish if isinstance(publish, bool) else tuple(publish)
        after = Kept(
            before.id if before else f"id-{len(self.kept)}", type, dict(data), locales, publish_at, tuple(comments)
        )
        self.kept[key] = after
        return "created" if before is None else "unchanged" if before == after else "updated"

    def skip(self, kind: str, count: int, reason: str) -> None:
        self.skipped[kind] += count

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def of_type(self, type: str) -> list[Kept]:
        return [kept for kept in self.kept.values() if kept.type == type]

    def by_slug(self, type: str, slug: str) -> Kept:
        return next(kept for kept in self.of_type(type) if kept.data.get("slug") == slug)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests that await run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def theme_test() -> Path:
    """WordPress' own test export, which lies beside the repository because of its licence (GPL)."""
    path = SHARED / "wordpress-theme-test.xml"
    if not path.exists():
        pytest.fail(f"{path.name} is absent: these tests read WordPress' theme test export from ../shared/data.")
    return path


@pytest.fixture
def target() -> MemoryTarget:
    """An empty space."""
    return MemoryTarget()
