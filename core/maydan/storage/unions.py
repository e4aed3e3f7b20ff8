"""Pages of documents in several locales, each part by its own index: the best of all parts, found by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.storage.documents import table_of
from maydan.storage.fragments import Sql
from maydan.storage.keysets import direction, ends_descending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.storage.document_queries import PageRequest
    from maydan.storage.expressions import DialectName
    from maydan.storage.keysets import SortKey


def columns(keys: Sequence[Sql]) -> list[str]:
    """Return what each part selects: where a document is, and what it is ordered by."""
    return ["entry_id", "locale", *(f"{key.text} AS key{index}" for index, key in enumerate(keys))]


def united(dialect: DialectName, request: PageRequest, parts: Sequence[Sql], page: Sql) -> Sql:
    """Write the statement of a page of which each part gives as many documents as it may have.

    Args:
        dialect: The engine's name.
        request: What is listed.
        parts: Statements with :func:`columns`, in the order of the list.
        page: The limit and the offset.
    """
    where, orders = request.where, _orders(dialect, request.sort)
    every = " UNION ALL ".join(f"SELECT * FROM ({part.text}) AS part{index}" for index, part in enumerate(parts))
    found = f"SELECT * FROM ({every}) AS every_part ORDER BY {orders}{page.text}"
    shown = ["body", *([] if request.whole else ["private"])]
    shown += [f"key{index}" for index, key in enumerate(request.sort) if key.target.hops]
    text = (
        f"SELECT {', '.join(shown)} FROM ({found}) AS page JOIN {table_of(where.type)} AS whole"
        " ON whole.space_key = ? AND whole.perspective = ? AND whole.locale = page.locale"
        f" AND whole.entry_id = page.entry_id ORDER BY {_orders(dialect, request.sort, 'page.')}"
    )
    args = tuple(arg for part in parts for arg in part.args)
    return Sql(text, (*args, *page.args, where.space_key, where.perspective))


def _orders(dialect: DialectName, sort: Sequence[SortKey], table: str = "") -> str:
    keys = [f"{table}key{index}{direction(dialect, key)}" for index, key in enumerate(sort)]
    return ", ".join([*keys, f"{table}entry_id{' DESC' if ends_descending(sort) else ''}"])
