"""Reads that would wait anyway go out together: one round trip for many."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Any, Final, Generic, TypeVar

from maydan.errors import MaydanError

Member = TypeVar("Member")
Result = TypeVar("Result")

MOST_TOGETHER: Final = 64
"""Reads of one statement: so many documents of some kilobytes are one short answer."""

_PARAMETER: Final = re.compile(r"\$(\d+)")


class Coalescing(Generic[Member, Result]):
    """Lets one read of a kind be in flight; those that come meanwhile wait for its end and are then sent together.

    A read that nobody precedes is sent at once, by its own task. Whoever waits is sent for after it came, so it sees
    all that was committed before it asked. It is answered by a task of nobody: a caller who goes away, or whose read
    fails, takes nobody along.
    """

    def __init__(self, send: Callable[[Any, Sequence[Member]], Awaitable[Sequence[Result]]]) -> None:
        """Send with ``send``, which is given a kind and what to read of it, and returns as many results."""
        self._send = send
        self._waiting: dict[Hashable, list[tuple[Member, asyncio.Future[Result]]]] = {}
        """Who waits, by the kinds of which one is in flight."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, kind: Hashable, member: Member) -> Result:
        """Return what ``send`` reads for the member, alone or with others of the kind."""
        waiting = self._waiting.get(kind)
        if waiting is None:
            self._waiting[kind] = []
            try:
                return (await self._send(kind, (member,)))[0]
            finally:
                self._go_on(kind)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        waiting.append((member, answer))
        return await answer

    def _go_on(self, kind: Hashable) -> None:
        """Serve those who came meanwhile."""
        if not self._waiting[kind]:
            del self._waiting[kind]
            return
        # Made without the loop's factory and in an empty context: it is not the work of whoever happened to be first.
        task = asyncio.Task(self._serve(kind), loop=asyncio.get_running_loop(), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, kind: Hashable) -> None:
        """Send what waits, until nobody does."""
        waiting = self._waiting[kind]
        try:
            while waiting:
                group, waiting[:] = waiting[:MOST_TOGETHER], waiting[MOST_TOGETHER:]
                group = [(member, answer) for member, answer in group if not answer.done()]
                if group:
                    await self._answer(kind, group)
        finally:
            del self._waiting[kind]
            for _, answer in waiting:
                answer.cancel()

    async def _answer(self, kind: Hashable, group: Sequence[tuple[Member, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._send(kind, [member for member, _ in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            if len(group) > 1 and not isinstance(error, MaydanError):
                # One of them asked for something impossible: each alone, so that only that one is told.
                for one in group:
                    await self._answer(kind, [one])
                return
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(error)
                    answer.exception()  # so that it counts as seen, should whoever waited go away just now
            return
        for (_, answer), result in zip(group, results, strict=True):
            if not answer.done():
                answer.set_result(result)


def joined_text(text: str, types: Sequence[Any]) -> str | None:
    """Return the statement that runs a SELECT once for each place of its parameters' arrays.

    Args:
        text: A SELECT with ``$1, $2``, outside of literals only.
        types: The driver's types of the parameters.
    Returns:
        A SELECT whose first column is the place, counted from 1, and the others those of the text; ``None`` where the
        parameters are not plain values.
    """
    if not types or any(each.kind != "scalar" or each.schema != "pg_catalog" for each in types):
        return None
    arrays = ", ".join(f"${number}::{each.name}[]" for number, each in enumerate(types, 1))
    names = ", ".join(f"p{number}" for number in range(1, len(types) + 1))
    inner = _PARAMETER.sub(r"asked.p\1", text)
    return (
        f"SELECT asked.place, found.* FROM unnest({arrays}) WITH ORDINALITY AS asked({names}, place)"
        f" CROSS JOIN LATERAL ({inner}) AS found"
    )
