"""Keeps account of an import, so that nothing is lost in silence."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from maydan.plugin import ImportSummary, Skipped
from maydan_blog.wordpress.markup import DYNAMIC_BLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maydan.plugin import Outcome


class Ledger:
    """Counts what was taken and what was not."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._outcomes: dict[Outcome, Counter[str]] = defaultdict(Counter)
        self._skipped: Counter[tuple[str, str]] = Counter()
        self._left_out: Counter[str] = Counter()
        self._notes: list[str] = []

    def took(self, kind: str, outcome: Outcome, count: int = 1) -> None:
        """Note entries of a content type, or comments (``comment``)."""
        if count:
            self._outcomes[outcome][kind] += count

    def skip(self, kind: str, reason: str, count: int = 1) -> None:
        """Note what was not taken."""
        if count:
            self._skipped[kind, reason] += count

    def left_out(self, found: Mapping[str, int]) -> None:
        """Note what of a text's markup could not be kept."""
        self._left_out.update(found)

    def note(self, sentence: str) -> None:
        """Note what the person who imports should look at."""
        self._notes.append(sentence)

    def summary(self) -> ImportSummary:
        """Return the whole account."""
        skipped = [Skipped(kind=kind, count=count, reason=reason) for (kind, reason), count in self._skipped.items()]
        return ImportSummary(
            created=dict(self._outcomes["created"]),
            updated=dict(self._outcomes["updated"]),
            unchanged=dict(self._outcomes["unchanged"]),
            skipped=(*skipped, *self._markup()),
            notes=tuple(self._notes),
        )

    def _markup(self) -> list[Skipped]:
        blocks = {name: count for name, count in self._left_out.items() if name.startswith(DYNAMIC_BLOCK)}
        others = [
            Skipped(kind=name, count=count, reason=_REASONS.get(name, "rich text has no place for it"))
            for name, count in sorted(self._left_out.items())
            if name not in blocks
        ]
        if blocks:
            named = ", ".join(f"{name.removeprefix(DYNAMIC_BLOCK)} {count}" for name, count in sorted(blocks.items()))
            reason = f"WordPress fills them in whenever it shows the page, the file holds none of it: {named}"
            others.append(Skipped(kind="dynamic block", count=sum(blocks.values()), reason=reason))
        return others


_REASONS = {
    "class or style": "what rich text looks like is the frontend's to say",
    "HTML comment": "readers never see them",
    "gallery image": "its attachment is not in the file",
}
