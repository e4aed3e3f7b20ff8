"""Puts things so that each follows what it lies under or answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from maydan.plugin import ImportedComment
    from maydan_blog.wordpress.records import Term

Thing = TypeVar("Thing")


def parents_first(terms: Mapping[str, Term]) -> Iterable[Term]:
    """Return terms, given by slug, so that each follows its parent; in a circle the first one met is on top."""
    return _after(terms, lambda term: term.parent).values()


def answers_last(comments: Iterable[ImportedComment]) -> list[ImportedComment]:
    """Return comments so that each follows what it answers; one whose parent is not among them stands on its own."""
    by_key = {comment.key: comment for comment in comments}
    ordered: dict[str, ImportedComment] = {}
    for key, comment in _after(by_key, lambda each: each.parent or "").items():
        known = comment.parent in ordered
        ordered[key] = comment if known else msgspec.structs.replace(comment, parent=None)
    return list(ordered.values())


def _after(things: Mapping[str, Thing], above: Callable[[Thing], str]) -> dict[str, Thing]:
    ordered: dict[str, Thing] = {}
    for key in things:
        line: dict[str, Thing] = {}
        step = key
        while step in things and step not in ordered and step not in line:
            line[step] = things[step]
            step = above(things[step])
        ordered.update(reversed(line.items()))
    return ordered
